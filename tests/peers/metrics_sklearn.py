#!/usr/bin/env python3
"""Compares ligase's classification metrics with scikit-learn on random label sets, every fourth of them degenerate: one class
in the truth or in the predictions, one row, equal scores, a class that never occurs.

  python3 tests/peers/metrics_sklearn.py build/release/tests/metrics_json [cases] [seed] [--record FILE.json]

Exit code 77 where scikit-learn is missing or LIGASE_PEERS is not set.
"""
import argparse
import json
import math
import os
import subprocess
import sys
import warnings

if not os.environ.get("LIGASE_PEERS"):
    print("SKIP: set LIGASE_PEERS=1 to compare metrics with scikit-learn")
    sys.exit(77)
try:
    import numpy as np
    import sklearn
    from sklearn import metrics as sk
except ImportError:
    print("SKIP: scikit-learn is not installed")
    sys.exit(77)

BOUND = 1e-12


def draw(rng, degenerate):
    """One label set: classes, truth, probabilities, batch size."""
    classes = int(rng.choice([2, 2, 2, 3, 4, 9]))
    rows = int(rng.integers(1, 400))
    truth = rng.integers(0, classes, rows)
    logits = rng.normal(size=(rows, classes)) + rng.uniform(0, 3) * np.eye(classes)[truth]
    if rng.random() < 0.4:
        logits = np.round(logits, int(rng.integers(0, 2)))
    kind = ""
    if degenerate:
        kind = str(rng.choice(["truth of one class", "one prediction", "both", "one row", "equal scores", "missing class",
                               "sorted by class", "certain"]))
        if kind in ("truth of one class", "both"):
            truth[:] = rng.integers(0, classes)
        if kind in ("one prediction", "both"):
            logits[:, rng.integers(0, classes)] += 50
        if kind == "one row":
            truth, logits = truth[:1], logits[:1]
        if kind == "equal scores":
            logits[:] = 0
        if kind == "missing class":
            truth[truth == classes - 1] = 0
            logits[:, classes - 1] -= 30
        if kind == "sorted by class":
            order = np.argsort(truth, kind="stable")
            truth, logits = truth[order], logits[order]
        if kind == "certain":
            logits *= 1000
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return kind, classes, truth, p, int(rng.integers(1, 65))


def usual(classes, truth, predicted):
    average = "binary" if classes == 2 else "macro"
    # With the classes of the task named, an absent positive class is no error.
    labels = None if classes > 2 else [0, 1]
    return [float(f(truth, predicted, average=average, labels=labels, zero_division=0))
            for f in (sk.f1_score, sk.precision_score, sk.recall_score)]


def expected(classes, truth, p, batch):
    predicted = p.argmax(axis=1)
    out = {"accuracy": sk.accuracy_score(truth, predicted), "mcc": sk.matthews_corrcoef(truth, predicted)}
    out["f1"], out["precision"], out["recall"] = usual(classes, truth, predicted)
    for name, f in (("f1", sk.f1_score), ("precision", sk.precision_score), ("recall", sk.recall_score)):
        out[name + "_macro"] = f(truth, predicted, average="macro", zero_division=0)
    onehot = np.eye(classes)[truth]
    try:
        if classes == 2:
            out["auroc"] = sk.roc_auc_score(truth, p[:, 1])
        else:
            out["auroc"] = sk.roc_auc_score(truth, p, multi_class="ovr", labels=list(range(classes)))
    except ValueError:
        out["auroc"] = math.nan  # scikit-learn before 1.6 refuses a missing class
    out["auprc"] = (sk.average_precision_score(truth, p[:, 1]) if classes == 2 else
                    np.mean([sk.average_precision_score(onehot[:, k], p[:, k]) for k in range(classes)]))
    out["brier"] = (sk.brier_score_loss(truth, p[:, 1], pos_label=1) if classes == 2 else
                    np.mean(((p - onehot) ** 2).sum(axis=1)))
    confidence = p.max(axis=1)
    bins = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    out["calibration_error"] = sum(
        (bins == b).mean() * abs((predicted == truth)[bins == b].mean() - confidence[bins == b].mean())
        for b in range(15) if (bins == b).any())
    sums = np.zeros(4)
    for begin in range(0, len(truth), batch):
        t, q = truth[begin:begin + batch], predicted[begin:begin + batch]
        sums += len(t) * np.array([sk.matthews_corrcoef(t, q), *usual(classes, t, q)])
    for name, value in zip(("mcc", "f1", "precision", "recall"), sums / len(truth)):
        out[name + "_batch_mean"] = value
    out["confusion"] = sk.confusion_matrix(truth, predicted, labels=range(classes)).ravel().tolist()
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("cases", nargs="?", type=int, default=1000)
    parser.add_argument("seed", nargs="?", type=int, default=1)
    parser.add_argument("--record", help="write a summary here if nothing differs")
    flags = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(flags.seed)
    drawn = [draw(rng, i % 4 == 3) for i in range(flags.cases)]
    lines = "".join(json.dumps({"classes": c, "truth": t.tolist(), "probabilities": p.tolist(), "batch": b}) + "\n"
                    for _, c, t, p, b in drawn)
    answer = subprocess.run([flags.program], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    if len(answer) != flags.cases:
        sys.exit(f"{len(answer)} answers to {flags.cases} questions")
    worst, undefined, faults = {}, 0, 0
    for (kind, c, t, p, b), line in zip(drawn, answer):
        ours, theirs = json.loads(line), expected(c, t, p, b)
        if set(ours) != set(theirs):
            sys.exit(f"other metrics: {set(ours) ^ set(theirs)}")
        for name, value in theirs.items():
            if name == "confusion":
                wrong = ours[name] != value
            elif math.isnan(value):
                undefined += 1
                wrong = ours[name] is not None
            else:
                difference = math.inf if ours[name] is None else abs(ours[name] - value)
                worst[name] = max(worst.get(name, 0), difference)
                wrong = difference > BOUND
            if wrong:
                faults += 1
                print(f"FAIL {name} ({kind or 'random'}, {c} classes, {len(t)} rows): {ours[name]} and {value}")
    degenerate = sum(1 for d in drawn if d[0])
    print(f"{flags.cases} label sets ({degenerate} degenerate), scikit-learn {sklearn.__version__}: {faults} differences, "
          f"worst {max(worst.values()):.1e}, {undefined} areas undefined in both")
    if flags.record and not faults:
        with open(flags.record, "w") as file:
            json.dump({"peer": f"tests/peers/metrics_sklearn.py, seed {flags.seed}", "scikit_learn": sklearn.__version__,
                       "label_sets": flags.cases, "degenerate": degenerate, "differences": faults, "bound": BOUND,
                       "auroc_undefined_in_both": undefined,
                       "worst_absolute_difference": {k: float(f"{v:.2g}") for k, v in sorted(worst.items())}},
                      file, indent=1)
            file.write("\n")
    sys.exit(1 if faults else 0)


main()
