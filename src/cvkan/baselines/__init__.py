"""Models to compare with, each as good as its kind usually is."""
