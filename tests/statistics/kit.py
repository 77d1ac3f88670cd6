"""Made rows of two models, and published data that several tests hold results against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

# Spatial perception of 26 neurologically impaired children, test A: Efron and Tibshirani 1993, An Introduction to the
# Bootstrap, table 14.1.
SPATIAL_A = np.array(
    [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41], dtype=float
)


@dataclass(frozen=True)
class Made:
    """Labels, and predictions and scores of two models, shape (n,) each."""

    label: Any
    baseline: Any
    current: Any
    baseline_score: Any
    current_score: Any


def made(number, *, seed=0, discordant=0.06, worse=0.0, right=0.9):
    """Two models right in about the same share of rows; `worse` is how much less often the current one is."""
    generator = np.random.default_rng(seed)
    label = generator.integers(0, 2, number)
    draw = generator.random(number)
    broken, fixed = (discordant + worse) / 2, (discordant - worse) / 2
    is_baseline = draw < right
    is_current = np.where(is_baseline, draw >= broken, draw > 1 - fixed)
    baseline, current = np.where(is_baseline, label, 1 - label), np.where(is_current, label, 1 - label)
    signal = label * 1.5 + generator.normal(size=number)
    scores = [1 / (1 + np.exp(0.75 - signal - generator.normal(size=number) * 0.3)) for _ in range(2)]
    return Made(label, baseline, current, scores[0], scores[1])


# 113 patients after aneurysmal subarachnoid haemorrhage: Turck and others 2010, Intensive Care Med. 36, 107, as in the data
# set aSAH of the R package pROC. Digits: poor outcome (0 or 1), WFNS grade, S100 beta in hundredths of a microgram per litre.
_ASAH = """
01013 01014 01010 01004 13013 12010 05047 14016 01018 02010 15012 02010 15044 15071 01004 02008 15049 02004
12007 15033 12009 01009 11007 01011 01007 02017 01007 02011 01013 01019 03005 04016 12041 01014 04034 15035
14048 01009 14096 12025 05050 05046 01016 01007 02043 04045 01011 01008 02009 15086 15052 02008 01006 02013
15207 01010 02014 02015 12007 01006 15077 01005 01009 12030 15003 12009 01004 14023 15070 02009 14027 14071
11008 14026 01008 02016 01009 14013 12010 01008 12011 03033 02011 04028 02007 01010 04032 15022 01007 01005
05024 04038 02010 02015 01008 01014 01010 03007 01004 02019 15056 12014 12058 15032 15082 15074 02015 04047
04017 15044 01015 01050 01048
"""
ASAH_POOR, ASAH_WFNS, ASAH_S100B = np.array([(int(row[0]), int(row[1]), int(row[2:])) for row in _ASAH.split()]).T
