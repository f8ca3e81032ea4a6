"""What a trained model does inside; values first, pictures from values."""
