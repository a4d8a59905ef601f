"""CIFAR-10 for Part 4. Read dataset, evaluation, architecture, pace, record, then plotting."""

from . import plotting
from .architecture import PARAMETERS, differences, oversights, read_model
from .dataset import CLASSES, Cifar10, DataUnavailable, find_cifar10, load_cifar10, loaded
from .evaluation import Evaluation, evaluate
from .pace import Pace, calibrate
from .record import RecordError, TrainingRecord
