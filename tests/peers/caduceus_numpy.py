#!/usr/bin/env python3
"""Caduceus and Mamba written a second time, forward only, in NumPy and in the original's layout (RCPS doubles the channels and
flips them). Draws configurations and weights, computes logits and loss in double, writes golden cases and lets `verify` judge
them.

  python3 tests/peers/caduceus_numpy.py build/release/examples/verify [cases] [seed]

Exit code 77 where NumPy is missing or LIGASE_PEERS is not set.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

if not os.environ.get("LIGASE_PEERS"):
    print("SKIP: set LIGASE_PEERS=1 to compare with the second implementation in NumPy")
    sys.exit(77)
try:
    import numpy as np
except ImportError:
    print("SKIP: NumPy is not installed")
    sys.exit(77)

COMPLEMENT = [0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15]
PAD = 4


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = np.ascontiguousarray(tensor).tobytes()
        kind = {"float32": "F32", "float64": "F64", "int64": "I64"}[str(tensor.dtype)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def silu(x):
    return x / (1 + np.exp(-x))


def softplus(x):
    return np.where(x > 20, x, np.log1p(np.exp(np.minimum(x, 20))))


def reverse_complement(x):
    return x[:, ::-1, ::-1]


class Model:
    """Equations of sections 1 to 6 of the paper's code: weights under the checkpoint's names."""

    def __init__(self, config, weights):
        self.c = config
        self.w = {name: value.astype(np.float64) if value.dtype == np.float32 else value for name, value in weights.items()}

    def mixer(self, x, own, projections):
        w = self.w
        xz = x @ w[projections + "in_proj.weight"].T + w.get(projections + "in_proj.bias", 0)
        inner = xz.shape[-1] // 2
        u, z = xz[..., :inner], xz[..., inner:]
        taps = w[own + "conv1d.weight"][:, 0]
        width, (batch, length, _) = taps.shape[1], u.shape
        padded = np.concatenate([np.zeros((batch, width - 1, inner)), u], axis=1)
        u = silu(sum(padded[:, j:j + length] * taps[:, j] for j in range(width)) + w.get(own + "conv1d.bias", 0))

        states = w[own + "A_log"].shape[1]
        p = u @ w[own + "x_proj.weight"].T
        rank = p.shape[-1] - 2 * states
        delta = softplus(p[..., :rank] @ w[own + "dt_proj.weight"].T + w[own + "dt_proj.bias"])
        b, c = p[..., rank:rank + states], p[..., rank + states:]
        a, s, y = -np.exp(w[own + "A_log"]), np.zeros((batch, inner, states)), []
        for t in range(length):
            s = np.exp(delta[:, t, :, None] * a) * s + (delta[:, t] * u[:, t])[:, :, None] * b[:, t, None]
            y.append((s * c[:, t, None]).sum(-1) + w[own + "D"] * u[:, t])
        return (np.stack(y, 1) * silu(z)) @ w[projections + "out_proj.weight"].T + w.get(projections + "out_proj.bias", 0)

    def bidirectional(self, x, name):
        forward = self.mixer(x, name + "mamba_fwd.", name + "mamba_fwd.")
        shared = "mamba_fwd." if self.c["bidirectional_weight_tie"] else "mamba_rev."
        backward = self.mixer(x[:, ::-1], name + "mamba_rev.", name + shared)[:, ::-1]
        return forward + backward if self.c["bidirectional_strategy"] == "add" else forward * backward

    def norm(self, x, name):
        eps = self.c["norm_epsilon"]
        if self.c["rms_norm"]:
            return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * self.w[name + "weight"]
        x = x - x.mean(-1, keepdims=True)
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * self.w[name + "weight"] + self.w[name + "bias"]

    def one_strand(self, ids, root, embedding, mixer):
        h, r = self.w[embedding][ids], 0
        for i in range(self.c["n_layer"]):
            r = r + h
            h = mixer(self.norm(r, f"{root}layers.{i}.norm."), f"{root}layers.{i}.mixer.")
        return self.norm(r + h, root + "norm_f.") @ self.w[embedding].T

    def two_strands(self, ids):
        root, fused = "caduceus.backbone.", self.c["fused_add_norm"]
        e, k = self.w[root + "embeddings.word_embeddings.embedding.weight"], np.array(COMPLEMENT)
        wrapped = "" if fused else "submodule."
        a, b = e[ids], reverse_complement(e[k[ids[:, ::-1]]])
        ra = rb = 0
        for i in range(self.c["n_layer"]):
            ra, rb = ra + a, rb + b
            if fused:
                ra, rb = rb, ra
            norm, mixer = f"{root}layers.{i}.norm.{wrapped}", f"{root}layers.{i}.mixer.submodule."
            a = self.bidirectional(self.norm(ra, norm), mixer)
            b = reverse_complement(self.bidirectional(self.norm(reverse_complement(rb), norm), mixer))
        last = root + "norm_f." + wrapped
        a, b = self.norm(ra + a, last), reverse_complement(self.norm(reverse_complement(rb + b), last))
        return a @ e.T + b[..., ::-1] @ e[k].T

    def logits(self, ids):
        if "model_type" not in self.c:
            return self.one_strand(ids, "backbone.", "backbone.embedding.weight", lambda x, name: self.mixer(x, name, name))
        if self.c["rcps"]:
            return self.two_strands(ids)
        root = "caduceus.backbone."
        return self.one_strand(ids, root, root + "embeddings.word_embeddings.weight", self.bidirectional)


def draw(rng, kind):
    """A configuration and float32 weights for it."""
    d, layers = int(rng.integers(1, 25)), int(rng.integers(1, 4))
    ssm = {"d_state": int(rng.choice([1, 4, 16, 20])), "d_conv": int(rng.integers(1, 6)), "expand": int(rng.integers(1, 4)),
           "dt_rank": "auto" if rng.random() < 0.5 else int(rng.integers(1, 6)), "conv_bias": bool(rng.random() < 0.8),
           "bias": bool(rng.random() < 0.3)}
    c = {"d_model": d, "n_layer": layers, "vocab_size": 16, "ssm_cfg": ssm, "rms_norm": bool(rng.random() < 0.6),
         "norm_epsilon": 1e-5, "residual_in_fp32": False, "fused_add_norm": bool(rng.random() < 0.5),
         "pad_vocab_size_multiple": 8}
    rcps = kind == "ps"
    if kind != "mamba":
        c |= {"architectures": ["CaduceusForMaskedLM"], "model_type": "caduceus", "rcps": rcps, "bidirectional": True,
              "bidirectional_strategy": str(rng.choice(["add", "ew_multiply"])),
              "bidirectional_weight_tie": bool(rng.random() < 0.5),
              "complement_map": {str(i): v for i, v in enumerate(COMPLEMENT)}}
    inner = ssm["expand"] * d
    rank = -(-d // 16) if ssm["dt_rank"] == "auto" else ssm["dt_rank"]

    def normal(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    w = {}

    def mamba(name, own_projections):
        w[name + "A_log"] = np.log(rng.uniform(0.5, ssm["d_state"] + 1, (inner, ssm["d_state"]))).astype(np.float32)
        w[name + "D"] = normal(inner)
        w[name + "conv1d.weight"] = normal(inner, 1, ssm["d_conv"], scale=0.5)
        if ssm["conv_bias"]:
            w[name + "conv1d.bias"] = normal(inner, scale=0.3)
        w[name + "x_proj.weight"] = normal(rank + 2 * ssm["d_state"], inner, scale=inner**-0.5)
        w[name + "dt_proj.weight"] = normal(inner, rank, scale=rank**-0.5)
        w[name + "dt_proj.bias"] = normal(inner) - np.float32(3)
        for projection, shape in ("in_proj", (2 * inner, d)), ("out_proj", (d, inner)):
            if own_projections:
                w[f"{name}{projection}.weight"] = normal(*shape, scale=shape[1]**-0.5)
                if ssm["bias"]:
                    w[f"{name}{projection}.bias"] = normal(shape[0], scale=0.3)

    def norm(name):
        w[name + "weight"] = normal(d, scale=0.3) + np.float32(1)
        if not c["rms_norm"]:
            w[name + "bias"] = normal(d, scale=0.3)

    root = "backbone." if kind == "mamba" else "caduceus.backbone."
    wrapped = "submodule." if rcps and not c["fused_add_norm"] else ""
    embedding = {"mamba": "embedding", "ph": "embeddings.word_embeddings", "ps": "embeddings.word_embeddings.embedding"}[kind]
    w[f"{root}{embedding}.weight"] = normal(16, d)
    if rcps:
        w[root + "embeddings.word_embeddings.complement_map"] = np.array(COMPLEMENT, np.int64)
        w["lm_head.complement_map"] = np.array(COMPLEMENT, np.int64)
    for i in range(layers):
        mixer = f"{root}layers.{i}.mixer." + ("submodule." if rcps else "")
        if kind == "mamba":
            mamba(mixer, True)
        else:
            mamba(mixer + "mamba_fwd.", True)
            mamba(mixer + "mamba_rev.", not c["bidirectional_weight_tie"])
        norm(f"{root}layers.{i}.norm.{wrapped}")
    norm(root + "norm_f." + wrapped)
    return c, w


def make_case(rng, folder):
    config, weights = draw(rng, rng.choice(["mamba", "ph", "ps"]))
    ids = rng.integers(0, 12, (int(rng.integers(1, 4)), int(rng.integers(1, 90))))
    labels = np.where(rng.random(ids.shape) < 0.5, rng.integers(0, 12, ids.shape), PAD)
    labels[0, 0] = 7
    logits = Model(config, weights).logits(ids)
    shifted = logits - logits.max(-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    loss = -np.take_along_axis(log_p, labels[..., None], -1)[..., 0][labels != PAD].mean()
    os.mkdir(folder)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file)
    write_safetensors(os.path.join(folder, "model.safetensors"), weights)
    write_safetensors(os.path.join(folder, "cases.safetensors"),
                      {"input_ids": ids.astype(np.int64), "labels": labels.astype(np.int64), "logits_f64": logits,
                       "loss_f64": np.array([loss])})


def main():
    verify, cases = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 60
    rng = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory() as work:
        for i in range(cases):
            make_case(rng, os.path.join(work, f"case{i:03d}"))
        failed = 0
        for precision in "fp64", "fp32":
            lines = subprocess.run([verify, "--precision", precision, work], capture_output=True, text=True).stdout.splitlines()
            results = [json.loads(line) for line in lines]
            bad = [r for r in results[:-1] if r["status"] != "pass"]
            worst = max((r["worst_relative_l2"] for r in results[:-1]), default=float("nan"))
            print(f"{precision}: {results[-1]['passed']} of {cases} pass, worst relative L2 {worst:.2g}")
            failed += len(bad) + (len(results) - 1 != cases)
            for r in bad[:5]:
                print(json.dumps(r))
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
