"""What one run's curves say, each finding with its rule, its thresholds and what to do next.

diverged    a loss that is not finite, or a training loss that ends above where it began
not finite  another metric that is not finite
collapse    one class is answered for everything
chance      accuracy within sampling noise of guessing, or of the largest class
overfit     the validation loss has risen since its best, beyond its noise, while training went on
gap         training accuracy ends 10 points above validation accuracy
improving   the validation metric was still gaining at the end, beyond its noise
plateau     it gained next to nothing over the last third
too noisy   its noise is so large that neither can be said
too short   fewer than 5 epochs say nothing about the shape of a curve
"""

from lab.diagnosis.build import diagnose
from lab.diagnosis.curve import Curve
from lab.diagnosis.finding import DiagnosisFinding, NextStep
from lab.diagnosis.report import Diagnosis, Gap

__all__ = ["Curve", "Diagnosis", "DiagnosisFinding", "Gap", "NextStep", "diagnose"]
