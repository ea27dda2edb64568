#!/usr/bin/env python3
"""Files of `convert`, `pretrain` and `embed` read by the Python packages that the originals use: safetensors (PyPI) and torch
(Debian's python3-torch does). State dicts must agree bit for bit, ties restored, and config.json field by field.

  python3 tests/peers/checkpoints_torch.py build/release/examples [--golden ../shared/reference/golden] [--json FILE]

Exit code 77 where a package is missing or LIGASE_PEERS is not set.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

if not os.environ.get("LIGASE_PEERS"):
    print("SKIP: set LIGASE_PEERS=1 to read checkpoints with torch and safetensors")
    sys.exit(77)
try:
    import numpy as np
    import safetensors
    import torch
    from safetensors.torch import load_file
except ImportError as error:
    print(f"SKIP: {error}")
    sys.exit(77)

TOKENS = ["[CLS]", "[SEP]", "[BOS]", "[MASK]", "[PAD]", "[RESERVED]", "[UNK]", "A", "C", "G", "T", "N"]
results = {}


def run(program, *words):
    subprocess.run([str(programs / program), *map(str, words), "--quiet"], check=True, stdout=subprocess.DEVNULL)


def same(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()


def second_names(names, config):
    """Name -> the name under which the file holds a tied tensor."""
    ties = {}
    for name in names:
        if ".mamba_fwd." in name and config.get("bidirectional_weight_tie") and name.split(".")[-2] in ("in_proj", "out_proj"):
            ties[name.replace(".mamba_fwd.", ".mamba_rev.")] = name
        if name.endswith("word_embeddings.embedding.weight"):
            ties["lm_head.lm_head.weight"] = name
        elif name.endswith("word_embeddings.weight") or name == "backbone.embedding.weight":
            ties["lm_head.weight"] = name
        elif name.endswith("word_embeddings.complement_map"):
            ties["lm_head.complement_map"] = name
    return {alias: name for alias, name in ties.items() if alias not in names}


def shapes(config):
    """Names and shapes of the published files, from the configuration alone."""
    d, n, vocabulary = config["d_model"], config["ssm_cfg"]["d_state"], -(-config["vocab_size"] // 8) * 8
    inner, kernel, rank = d * config["ssm_cfg"]["expand"], config["ssm_cfg"]["d_conv"], -(-d // 16)
    mixer = {"A_log": (inner, n), "D": (inner,), "in_proj.weight": (2 * inner, d), "conv1d.weight": (inner, 1, kernel),
             "conv1d.bias": (inner,), "x_proj.weight": (rank + 2 * n, inner), "dt_proj.weight": (inner, rank),
             "dt_proj.bias": (inner,), "out_proj.weight": (d, inner)}
    found, rcps = {}, config.get("rcps")
    base = "backbone." if rcps is None else "caduceus.backbone."
    words = "embedding" if rcps is None else "embeddings.word_embeddings" + (".embedding" if rcps else "")
    found[f"{base}{words}.weight"] = (vocabulary, d)
    if rcps:
        found[f"{base}embeddings.word_embeddings.complement_map"] = (vocabulary,)
        found["lm_head.complement_map"] = (vocabulary,)
    norm = ".submodule" if rcps and not config["fused_add_norm"] else ""
    for layer in range(config["n_layer"]):
        for direction in [""] if rcps is None else ["mamba_fwd.", "mamba_rev."]:
            for name, shape in mixer.items():
                if direction != "mamba_rev." or name not in ("in_proj.weight", "out_proj.weight"):
                    found[f"{base}layers.{layer}.mixer{'.submodule' if rcps else ''}.{direction}{name}"] = shape
        found[f"{base}layers.{layer}.norm{norm}.weight"] = (d,)
    found[f"{base}norm_f{norm}.weight"] = (d,)
    return found


def check_config(source, written, label):
    for field, value in source.items():
        assert written.get(field) == value, f"{label}: config field {field}: {value} became {written.get(field)}"
    assert set(written) == set(source), f"{label}: new config fields {set(written) - set(source)}"
    return len(source)


def through_torch(folder, config, work, label):
    """safetensors -> torch state dict with ties -> torch.save -> convert: the same bytes."""
    state = load_file(folder / "model.safetensors")
    full = dict(state)
    for alias, name in second_names(state, config).items():
        full[alias] = state[name]
    back = work / f"{label}_torch"
    back.mkdir()
    (back / "config.json").write_text(json.dumps(config))
    torch.save(full, back / "pytorch_model.bin")
    run("convert", "--checkpoint", back, "--out", work / f"{label}_back")
    assert (work / f"{label}_back/model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes(), label
    lightning = work / f"{label}_ckpt"
    lightning.mkdir()
    (lightning / "config.json").write_text(json.dumps(config))
    torch.save({"state_dict": {"model." + name: value for name, value in full.items()}, "epoch": 3,
                "hyper_parameters": {"lr": 1e-3}, "optimizer_states": [{"state": {0: {"exp_avg": full[alias].clone()}}}]},
               lightning / "last.ckpt")
    run("convert", "--checkpoint", lightning, "--out", work / f"{label}_ckpt_back")
    assert (work / f"{label}_ckpt_back/model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes(), label
    return state, full


def check_trained(work):
    random.seed(1)
    genome = work / "genome.fa"
    genome.write_text(">chr\n" + "".join(random.choice("ACGT") for _ in range(40000)) + "\n")
    for model in ["caduceus-ps", "caduceus-ph", "mamba"]:
        out = work / model
        run("pretrain", "--model", model, "--fasta", genome, "--out", out, "--length", 64, "--steps", 3, "--batch-size", 2,
            "--d-model", 24, "--n-layer", 2)
        folder = out / "checkpoint"
        config = json.loads((folder / "config.json").read_text())
        state, full = through_torch(folder, config, work, model)
        expected = shapes(config)
        if config.get("rcps") and "lm_head.complement_map" not in state:
            expected.pop("lm_head.complement_map")
        assert {k: tuple(v.shape) for k, v in state.items()} == expected, f"{model}: {set(state) ^ set(expected)}"
        with safetensors.safe_open(folder / "model.safetensors", "pt") as file:
            assert file.metadata() == {"format": "pt"}
        run("convert", "--checkpoint", out, "--out", work / f"{model}_converted")
        again = load_file(work / f"{model}_converted/model.safetensors")
        assert set(again) == set(state) and all(same(again[k], state[k]) for k in state), model
        fields = check_config(config, json.loads((work / f"{model}_converted/config.json").read_text()), model)
        results[f"pretrain {model}"] = {"tensors": len(state), "ties": len(full) - len(state), "config_fields": fields, "bits": "equal"}


def check_golden(golden, work):
    for case in ["caduceus_ph", "caduceus_ps", "caduceus_ps_unfused", "caduceus_ph_untied_mul_layernorm", "mamba_lm"]:
        config = json.loads((golden / case / "config.json").read_text())
        source = load_file(golden / case / "model.safetensors")
        for container in ["model.safetensors", "pytorch_model.bin", "last.ckpt"]:
            path = golden / case / container
            if not path.exists():
                continue
            out = work / f"{case}_{container}"
            run("convert", "--checkpoint", path, "--out", out)
            state = load_file(out / "model.safetensors")
            ties = second_names(state, config)
            reference = source if container == "model.safetensors" else torch.load(path, map_location="cpu") if container.endswith(
                ".bin") else source
            restored = {**state, **{alias: state[name] for alias, name in ties.items()}}
            assert set(reference) <= set(restored), f"{case} {container}: {set(reference) - set(restored)}"
            assert set(state) <= set(reference), f"{case} {container}: {set(state) - set(reference)}"
            assert all(same(restored[k], reference[k]) for k in reference), f"{case} {container}"
            fields = check_config(config, json.loads((out / "config.json").read_text()), case)
            results[f"convert {case}/{container}"] = {"tensors": len(reference), "config_fields": fields, "bits": "equal"}


def check_embeddings(golden, work):
    for case in ["caduceus_ph", "caduceus_ps", "mamba_lm"]:
        cases = load_file(golden / case / "cases.safetensors")
        worst = 0.0
        for row, hidden in zip(cases["input_ids"], cases["hidden.final_norm"]):
            text = "".join(TOKENS[i] for i in row.tolist())
            expected = hidden.double().mean(0).numpy()
            run("embed", "--checkpoint", golden / case, "--sequence", text, "--out", work / "x.npy")
            pooled = np.load(work / "x.npy")
            assert pooled.dtype == np.float32 and pooled.shape == (1, len(expected))
            worst = max(worst, float(np.linalg.norm(pooled[0] - expected) / np.linalg.norm(expected)))
            run("embed", "--checkpoint", golden / case, "--sequence", text, "--pooling", "none", "--out", work / "x.safetensors")
            tokens = load_file(work / "x.safetensors")["sequence"]
            difference = float(torch.linalg.norm(tokens - hidden) / torch.linalg.norm(hidden))
            worst = max(worst, difference)
        assert worst < 5e-6, f"{case}: {worst}"
        results[f"embed {case}"] = {"sequences": len(cases["input_ids"]), "worst_relative_l2": worst}


parser = argparse.ArgumentParser()
parser.add_argument("programs", type=Path)
parser.add_argument("--golden", type=Path, default=Path(__file__).resolve().parents[3] / "shared/reference/golden")
parser.add_argument("--json", type=Path)
arguments = parser.parse_args()
programs = arguments.programs.resolve()
with tempfile.TemporaryDirectory() as name:
    check_trained(Path(name))
    if arguments.golden.is_dir():
        check_golden(arguments.golden, Path(name))
        check_embeddings(arguments.golden, Path(name))
    else:
        print("no golden vectors beside the checkout: published containers are not compared")
versions = {"torch": torch.__version__, "safetensors": safetensors.__version__, "numpy": np.__version__}
for name, value in results.items():
    print(name, value)
if arguments.json:
    arguments.json.write_text(json.dumps({"peer": "tests/peers/checkpoints_torch.py", "versions": versions, "cases": results}, indent=1) + "\n")
print(f"{len(results)} passed")
