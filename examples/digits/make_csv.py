#!/usr/bin/env python3
"""Writes digits.csv, the data of this example, from the copy that scikit-learn ships.

The file is in the repository; run this only to check it or to make it again:
    python3 make_csv.py digits.csv
Needs numpy and scikit-learn.
"""

import sys

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main(path):
    digits = load_digits()
    count = len(digits.target)
    _, test = train_test_split(range(count), test_size=0.2, random_state=42)
    test = set(test)
    with open(path, "w", newline="\n") as out:
        out.write(",".join([f"p{i}" for i in range(64)] + ["label", "split"]) + "\n")
        for i in range(count):
            row = [str(int(v)) for v in digits.data[i]]
            row += [str(int(digits.target[i])), "test" if i in test else "train"]
            out.write(",".join(row) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: make_csv.py OUTPUT.csv")
    main(sys.argv[1])
