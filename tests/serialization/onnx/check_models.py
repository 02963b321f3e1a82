#!/usr/bin/env python3
"""Checks the models that the program onnx_suite left in a folder (CATENA_ONNX_DIR).

    check_models.py FOLDER [--details]

Each model passes ONNX's checker with full shape inference, and onnxruntime and ONNX's reference
implementation compute what Catena computed; a runtime that has no kernel for an operator and dtype is
counted apart. Prints a table by op and every difference; exits with 1 when there is one.
Needs the Python packages onnx, onnxruntime and numpy; no test of Catena does.
"""
import collections
import multiprocessing
import pathlib
import sys

import numpy as np
import onnx
import onnx.reference
import onnx.shape_inference
import onnxruntime

# (op, part of the case's name): why a runtime differs and the model is right all the same.
NAN = "ONNX does not say what becomes of NaN"
FLOAT32 = "the runtime gathers float32 sums in float32"
KNOWN = {
    ("argmax", "nan"): NAN, ("argmin", "nan"): NAN, ("max", "nan"): NAN, ("min", "nan"): NAN,
    ("max_pool", "special"): NAN, ("sign", "special"): NAN, ("sort", "special"): NAN,
    ("topk", "special"): NAN,
    ("cast", "saturates"): "ONNX does not say what reals beyond an integer dtype become",
    ("mean", "empty"): "the runtime takes the mean of nothing for 0",
    ("group_norm", "no_channels"): "the runtime takes the mean of nothing for 0",
    ("cumsum", "many_columns"): FLOAT32, ("sum", "narrow_rows"): FLOAT32,
    ("sum", "wide_rows"): FLOAT32,
}
# What onnxruntime says of what it cannot do; the models are valid.
LACKS = ("NOT_IMPLEMENTED", "does not support double", "Numpy type", "Numpy_type", "pool_attri",
         "shape product of 0", "Depth is negative")
# It ends the process at these.
ENDS = {("gru", "no_sequences"), ("gru", "no_features"), ("lstm", "no_sequences"),
        ("rnn", "no_sequences")}


def arrays(folder, stem, count):
    return [onnx.numpy_helper.to_array(onnx.load_tensor(str(folder / f"{stem}_{i}.pb")))
            for i in range(count)]


def difference(got, want, rtol, atol, random):
    for k, (g, w) in enumerate(zip(got, want)):
        g = np.asarray(g)
        if g.shape != w.shape or g.dtype != w.dtype:
            return f"output {k} is {g.dtype} {g.shape}; expected {w.dtype} {w.shape}"
        if random or np.array_equal(g, w):
            continue
        if not np.issubdtype(w.dtype, np.floating):
            return f"output {k} differs: {g.ravel()[:8]} instead of {w.ravel()[:8]}"
        with np.errstate(all="ignore"):
            bad = ~np.isclose(g, w, rtol=rtol, atol=atol, equal_nan=True)
        if bad.any():
            return f"output {k} differs: {g[bad][:4]} instead of {w[bad][:4]}"
    return None


def run_runtime(model, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options,
                                           providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def run_reference(model, feeds):
    return onnx.reference.ReferenceEvaluator(model).run(None, feeds)


def check(folder, counts, details):
    model = onnx.load(str(folder / "model.onnx"))
    about = {p.key: p.value for p in model.metadata_props}
    op = about["op"]
    counts[op]["cases"] += 1
    try:
        onnx.checker.check_model(model, full_check=True)
        onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except Exception as error:  # noqa: BLE001: whatever the checker throws
        return f"checker: {str(error).strip()[:300]}"
    counts[op]["valid"] += 1
    feeds = dict(zip([i.name for i in model.graph.input],
                     arrays(folder, "input", len(model.graph.input))))
    want = arrays(folder, "output", len(model.graph.output))
    rtol, atol = max(float(about["rtol"]), 1e-5), max(float(about["atol"]), 1e-5)
    if want and want[0].dtype == np.float64:
        rtol, atol = max(float(about["rtol"]), 1e-11), max(float(about["atol"]), 1e-11)
    known = next((why for (name, part), why in KNOWN.items()
                  if name == op and part in folder.name), None)
    for runner, run in (("onnxruntime", run_runtime), ("reference", run_reference)):
        if runner == "onnxruntime" and any(op == n and part in folder.name for n, part in ENDS):
            counts[op][runner + " cannot"] += 1
            continue
        try:
            got = run(model, feeds)
        except Exception as error:  # noqa: BLE001
            text = str(error).strip()
            counts[op][runner + " cannot"] += 1
            if runner == "onnxruntime" and not any(t in text for t in LACKS):
                return f"{runner}: {text[:300]}"
            if details:
                print(f"{folder.name}: {runner} cannot: {text[:160]}")
            continue
        wrong = difference(got, want, rtol, atol, about["random"] == "1")
        if wrong is None:
            counts[op][runner] += 1
        elif known:
            counts[op]["known"] += 1
        elif runner == "onnxruntime":
            return f"{runner}: {wrong}"
        else:
            counts[op]["reference differs"] += 1
            if details:
                print(f"{folder.name}: {runner}: {wrong}")
    return None


def work(folders, details, connection):
    np.seterr(all="ignore")
    for folder in folders:
        counts = collections.defaultdict(collections.Counter)
        wrong = check(folder, counts, details)
        connection.send((counts, wrong))
    connection.close()


def check_all(folders, details):
    """Checks in a process of its own: a runtime that aborts takes only its case with it."""
    counts, failures = collections.defaultdict(collections.Counter), []
    at = 0
    while at < len(folders):
        ours, theirs = multiprocessing.Pipe(duplex=False)
        worker = multiprocessing.Process(target=work, args=(folders[at:], details, theirs))
        worker.start()
        theirs.close()
        try:
            while at < len(folders):
                more, wrong = ours.recv()
                for op, n in more.items():
                    counts[op].update(n)
                if wrong:
                    failures.append(f"{folders[at].name}: {wrong}")
                at += 1
        except EOFError:
            failures.append(f"{folders[at].name}: the runtime ended the process")
            at += 1
        worker.join()
    return counts, failures


def main():
    folders = sorted(p for p in pathlib.Path(sys.argv[1]).iterdir() if (p / "model.onnx").exists())
    counts, failures = check_all(folders, "--details" in sys.argv)
    columns = ["cases", "valid", "onnxruntime", "onnxruntime cannot", "known", "reference",
               "reference cannot", "reference differs"]
    print("| op | " + " | ".join(columns) + " |")
    for op in sorted(counts):
        print(f"| {op} | " + " | ".join(str(counts[op][c]) for c in columns) + " |")
    total = {c: sum(n[c] for n in counts.values()) for c in columns}
    print("| all | " + " | ".join(str(total[c]) for c in columns) + " |")
    for failure in failures:
        print(failure)
    print(f"{len(folders)} models, {len(failures)} failures")
    return 1 if failures or not folders else 0


if __name__ == "__main__":
    sys.exit(main())
