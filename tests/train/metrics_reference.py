#!/usr/bin/env python3
"""Writes metrics_reference.hpp: metrics of fixed samples, by scikit-learn.

    python3 tests/train/metrics_reference.py > tests/train/metrics_reference.hpp

The scores are rounded so that there are ties. scikit-learn 1.9.1 made the numbers in the repository.
"""
import math
import warnings

import numpy as np
from sklearn import metrics as m

warnings.simplefilter("ignore")
rng = np.random.default_rng(5)


def number(v):
    v = float(v)
    if math.isnan(v):
        return "kNan"
    if math.isinf(v):
        return "kInf"
    return repr(v)


def array(name, values, kind="double"):
    values = np.asarray(values).ravel()
    text = ", ".join(str(int(v)) if kind == "std::int64_t" else number(v) for v in values)
    print(f"inline const std::vector<{kind}> {name} = {{{text}}};")


def softmax(x):
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


print("// Written by metrics_reference.py with scikit-learn.")
print("#pragma once\n")
print("#include <cstdint>\n#include <limits>\n#include <string>\n#include <vector>\n")
print("namespace catena::test::reference {\n")
print("inline constexpr double kNan = std::numeric_limits<double>::quiet_NaN();")
print("inline constexpr double kInf = std::numeric_limits<double>::infinity();\n")

# --- Two classes ---
N = 40
target = (rng.random(N) < 0.4).astype(int)
scores = np.round(rng.normal(size=N) + target, 1)
weights = np.round(rng.random(N) * 2, 2)
weights[[3, 17]] = 0
probabilities = 1 / (1 + np.exp(-scores))
predicted = (scores > 0).astype(int)
print("// One logit per sample.")
array("kBinaryScores", scores)
array("kBinaryTarget", target, "std::int64_t")
array("kBinaryWeights", weights)
for name, w in (("", None), ("Weighted", weights)):
    fpr, tpr, thresholds = m.roc_curve(target, scores, sample_weight=w)
    array(f"kRocFpr{name}", fpr)
    array(f"kRocTpr{name}", tpr)
    array(f"kRocThresholds{name}", thresholds)
    fpr, tpr, thresholds = m.roc_curve(target, scores, sample_weight=w, drop_intermediate=False)
    array(f"kFullRocFpr{name}", fpr)
    array(f"kFullRocTpr{name}", tpr)
    for prefix, drop in (("kPr", False), ("kThinPr", True)):
        p, r, t = m.precision_recall_curve(target, scores, sample_weight=w, drop_intermediate=drop)
        array(f"{prefix}Precision{name}", p)
        array(f"{prefix}Recall{name}", r)
        array(f"{prefix}Thresholds{name}", t)

# --- Five classes, of which the targets lack one and the predictions another ---
C, M = 5, 36
labels = rng.integers(0, 4, M)
logits = np.round(rng.normal(size=(M, C)), 1)
logits[np.arange(M), labels] += 1
logits[:, 2] -= 9
class_weights = np.round(rng.random(M) * 2, 2)
chosen = logits.argmax(axis=1)
print("\n// Five classes: the targets lack one, the predictions another.")
array("kLogits", logits)
array("kLabels", labels, "std::int64_t")
array("kClassWeights", class_weights)
full = rng.integers(0, C, M)
array("kFullLabels", full, "std::int64_t")
for name, w in (("", None), ("Weighted", class_weights)):
    array(f"kConfusion{name}", m.confusion_matrix(labels, chosen, sample_weight=w))
array("kConfusionLabels", np.union1d(labels, chosen), "std::int64_t")
for how in ("true", "pred", "all"):
    array(f"kConfusion{how.title()}",
          m.confusion_matrix(labels, chosen, labels=range(C), normalize=how))

# --- Numbers ---
Q, D = 12, 3
values = np.round(rng.normal(size=(Q, D)) * 3, 2)
outputs = np.round(values + rng.normal(size=(Q, D)), 2)
values[:, 1] = 2
value_weights = np.round(rng.random(Q) * 8) / 4
print("\n// Three quantities, one of them constant.")
array("kValues", values)
array("kOutputs", outputs)
array("kValueWeights", value_weights)

# --- Single numbers ---
print("\nstruct Average {")
print("  const char* metric;\n  const char* data;  // binary, classes\n  const char* average;")
print("  double zero_division;\n  bool weighted;\n  double value;\n};")
print("inline const std::vector<Average> kAverages = {")
functions = {"precision": m.precision_score, "recall": m.recall_score, "f1": m.f1_score}
for name, f in functions.items():
    for data, t, p, w in (("binary", target, predicted, weights),
                          ("classes", labels, chosen, class_weights)):
        for average in ("binary", "micro", "macro", "weighted"):
            if data == "classes" and average == "binary":
                continue
            for zero in (0.0, 1.0, np.nan):
                for weighted in (False, True):
                    v = f(t, p, average=average, zero_division=zero,
                          sample_weight=w if weighted else None)
                    print(f'    {{"{name}", "{data}", "{average}", {number(zero)}, '
                          f'{str(weighted).lower()}, {number(v)}}},')
print("};\n")

print("struct Value {\n  const char* metric;\n  bool weighted;\n  double value;\n};")
print("inline const std::vector<Value> kValuesOfMetrics = {")
top = dict(labels=range(C))
onehot = np.eye(C)[full]
for weighted in (False, True):
    w = weights if weighted else None
    cw = class_weights if weighted else None
    vw = value_weights if weighted else None
    rows = {
        "accuracy binary": m.accuracy_score(target, predicted, sample_weight=w),
        "accuracy classes": m.accuracy_score(labels, chosen, sample_weight=cw),
        "top_k 1": m.top_k_accuracy_score(labels, logits, k=1, sample_weight=cw, **top),
        "top_k 2": m.top_k_accuracy_score(labels, logits, k=2, sample_weight=cw, **top),
        "top_k 3": m.top_k_accuracy_score(labels, logits, k=3, sample_weight=cw, **top),
        "roc_auc binary": m.roc_auc_score(target, scores, sample_weight=w),
        "average_precision binary": m.average_precision_score(target, scores, sample_weight=w),
        "log_loss binary": m.log_loss(target, y_proba=probabilities, sample_weight=w),
        "log_loss classes": m.log_loss(labels, y_proba=softmax(logits), sample_weight=cw,
                                       labels=range(C)),
        "mse": m.mean_squared_error(values, outputs, sample_weight=vw),
        "rmse": m.root_mean_squared_error(values, outputs, sample_weight=vw),
        "mae": m.mean_absolute_error(values, outputs, sample_weight=vw),
        "r2": m.r2_score(values, outputs, sample_weight=vw),
        "r2 right": m.r2_score(values, values, sample_weight=vw),
    }
    for average in ("macro", "weighted"):
        rows[f"roc_auc {average}"] = m.roc_auc_score(
            full, softmax(logits), multi_class="ovr", average=average, sample_weight=cw)
        rows[f"average_precision {average}"] = m.average_precision_score(
            full, softmax(logits), average=average, sample_weight=cw)
        rows[f"raw average_precision {average}"] = m.average_precision_score(
            onehot, logits, average=average, sample_weight=cw)
    for name, v in rows.items():
        print(f'    {{"{name}", {str(weighted).lower()}, {number(v)}}},')
print("};\n")
print("}  // namespace catena::test::reference")
