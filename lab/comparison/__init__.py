"""Arms over seeds of one metric: values, intervals, and words no stronger than the evidence."""

from lab.comparison.alike import alike
from lab.comparison.build import compare
from lab.comparison.comparison import Comparison
from lab.comparison.values import Arm, Row
from lab.comparison.verdict import Verdict, verdict_of

__all__ = ["Arm", "Comparison", "Row", "Verdict", "alike", "compare", "verdict_of"]
