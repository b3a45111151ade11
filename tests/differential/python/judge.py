"""Answers of the Python judges: judge.py FOLDER"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import joserfc_
import pyjwt
from cases import judge_all, profiles


def main() -> None:
    folder = Path(sys.argv[1])
    warnings.simplefilter("ignore")
    known = profiles(folder)
    judge_all(folder, "pyjwt", {profile.name: pyjwt.judge(profile) for profile in known})
    judge_all(folder, "joserfc", {profile.name: joserfc_.judge(profile) for profile in known})


if __name__ == "__main__":
    main()
