#!/usr/bin/env python3
"""Times the public package mamba-ssm on one CUDA GPU, on the shapes that our own benchmarks use.

Needs PyTorch with CUDA and the PyPI packages mamba-ssm and, for the fused mixer, causal-conv1d, built against that PyTorch:
    pip install --no-build-isolation causal-conv1d mamba-ssm
Where something is missing it says what, and exits 77. Parts:
    scan    selective_scan_fn, forward and backward: E 512, N 16, four sequences (two directions of two strands) as one launch
            of batch 4 and as four launches of batch 1, with D, z, the bias of dt and softplus
    inner   mamba_inner_fn: convolution, projections of B, C and dt, scan, gate and out_proj of one direction, four sequences
    stack   Caduceus-PS assembled from the package's modules as the original does: the strands run one after the other, each in
            both directions with flips, in_proj and out_proj shared by the directions, fused add and RMSNorm. Training steps
            (forward, loss over 15 % masked tokens, backward, clipping, fused AdamW) and inference, bfloat16 autocast
Times are CUDA events' medians after a warm-up, memory is torch.cuda.max_memory_allocated. The file is written again after
every case, so that a run that is cut short leaves what it measured.
"""

import argparse
import importlib
import json
import math
import os
import statistics
import sys
import time

from caduceus_stack import make_optimizer, make_stack, masked_batch

SKIPPED = 77
EXP_LIMIT = 3.7e12  # exponentials per second of an H200: 132 multiprocessors x 16 per clock x 1.755 GHz


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(SKIPPED)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", default="mamba_ssm.json", metavar="FILE", help="results (default: %(default)s)")
    parser.add_argument("--parts", default="scan,inner,stack", help="what to time (default: %(default)s)")
    parser.add_argument("--lengths", default="4096,131072", help="tokens of scan and inner (default: %(default)s)")
    parser.add_argument("--types", default="bf16,fp32", help="number types of scan and inner (default: %(default)s)")
    parser.add_argument("--short-batches", default="16,64,256,1024", help="of the 1k shape (default: %(default)s)")
    parser.add_argument("--long-batches", default="1", help="of the 131k shape (default: %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="at least (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S",
                        help="go on repeating a case for so long (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=math.inf, metavar="S",
                        help="begin no further case after so many seconds (default: none)")
    options = parser.parse_args()
    for name in ("lengths", "short_batches", "long_batches"):
        try:
            values = [int(word) for word in getattr(options, name).split(",")]
        except ValueError:
            values = [0]
        if min(values) < 1:
            parser.error(f"--{name.replace('_', '-')} takes positive whole numbers separated by commas")
        setattr(options, name, values)
    for name, known in (("parts", ("scan", "inner", "stack")), ("types", ("bf16", "fp32"))):
        values = getattr(options, name).split(",")
        if not set(values) <= set(known):
            parser.error(f"--{name} takes some of {', '.join(known)}")
        setattr(options, name, values)
    if options.repetitions < 5:
        parser.error("--repetitions takes 5 or more")
    return options


class Packages:
    """What is there: torch, the package's functions, their versions."""

    def __init__(self):
        try:
            import torch
        except ImportError:
            skip("PyTorch is not installed (python3 -c 'import torch')")
        if not torch.cuda.is_available():
            skip("PyTorch sees no CUDA GPU")
        self.torch = torch
        try:
            self.interface = importlib.import_module("mamba_ssm.ops.selective_scan_interface")
            self.Mamba = importlib.import_module("mamba_ssm.modules.mamba_simple").Mamba
        except ImportError as e:
            skip(f"mamba-ssm cannot be imported ({e}); pip install --no-build-isolation mamba-ssm")
        self.norms = None
        for name in ("layer_norm", "layernorm"):  # version 2, version 1
            try:
                self.norms = importlib.import_module(f"mamba_ssm.ops.triton.{name}")
                break
            except ImportError as e:
                self.norms_missing = str(e)
        try:
            importlib.import_module("causal_conv1d")
            self.has_conv = True
        except ImportError:
            self.has_conv = False

    def versions(self):
        from importlib.metadata import PackageNotFoundError, version

        found = {"python": sys.version.split()[0], "cuda_of_torch": self.torch.version.cuda}
        for name in ("torch", "mamba-ssm", "causal-conv1d", "triton"):
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                found[name] = None
        return found


class Clock:
    """Repeats a call and times it on the GPU."""

    def __init__(self, torch, repetitions, seconds):
        self.torch, self.repetitions, self.seconds = torch, repetitions, seconds

    def measure(self, call, prepare=None):
        """Milliseconds: median, least, most, repetitions; and the most bytes that tensors held. `prepare` is not timed."""
        torch = self.torch
        for _ in range(2):
            if prepare:
                prepare()
            call()
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        times, began = [], time.monotonic()
        while len(times) < self.repetitions or (time.monotonic() - began < self.seconds and len(times) < 100):
            if prepare:
                prepare()
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            call()
            end.record()
            torch.cuda.synchronize()
            times.append(begin.elapsed_time(end))
        return {"ms": statistics.median(times), "ms_least": min(times), "ms_most": max(times), "repetitions": len(times),
                "peak_bytes": torch.cuda.max_memory_allocated()}


class Report:
    def __init__(self, path, packages, limit):
        torch = packages.torch
        properties = torch.cuda.get_device_properties(0)
        self.path, self.limit, self.began = path, limit, time.monotonic()
        self.content = {"program": "mamba_ssm", "gpu": torch.cuda.get_device_name(0),
                        "gpu_memory_bytes": properties.total_memory, "multiprocessors": properties.multi_processor_count,
                        "versions": packages.versions(), "exp_limit_per_second": EXP_LIMIT, "cases": []}

    def add(self, case):
        self.content["cases"].append(case)
        temporary = self.path + ".part"
        with open(temporary, "w", encoding="utf-8") as file:
            json.dump(self.content, file, indent=1)
            file.write("\n")
        os.replace(temporary, self.path)
        shown = {k: round(v, 3) if isinstance(v, float) else v for k, v in case.items()}
        print(json.dumps(shown), flush=True)

    def run(self, case, body):
        """body() gives the case's figures; what does not fit the GPU is noted, and so is what fails."""
        torch = sys.modules["torch"]
        if time.monotonic() - self.began > self.limit:
            self.add({**case, "status": "not begun: out of time"})
            return None
        try:
            figures = body()
            self.add({**case, "status": "ok", **figures})
            return figures
        except torch.cuda.OutOfMemoryError:
            self.add({**case, "status": "out of memory"})
        except Exception as e:  # one case's failure shall not cost the others
            self.add({**case, "status": f"failed: {type(e).__name__}: {str(e)[:300]}"})
        finally:
            torch.cuda.empty_cache()
        return None


def number_type(torch, name):
    return {"bf16": torch.bfloat16, "fp32": torch.float32}[name]


def scan_operands(torch, sequences, length, dtype, e=512, n=16):
    """As inside a Mamba: u, dt, z [B, E, L]; A [E, N]; B, C [B, 1, N, L]; D, bias of dt [E]."""
    generator = torch.Generator(device="cuda").manual_seed(1)

    def normal(*shape, scale=1.0, kind=dtype):
        x = torch.randn(*shape, device="cuda", generator=generator) * scale
        return x.to(kind).requires_grad_()

    f = torch.float32
    a = -torch.arange(1, n + 1, device="cuda", dtype=f).repeat(e, 1)
    step = torch.exp(torch.rand(e, device="cuda", generator=generator) * math.log(100.0) + math.log(0.001))
    bias = step + torch.log(-torch.expm1(-step))
    return {"u": normal(sequences, e, length), "delta": normal(sequences, e, length, scale=0.1),
            "A": a.requires_grad_(), "B": normal(sequences, 1, n, length), "C": normal(sequences, 1, n, length),
            "D": torch.ones(e, device="cuda", dtype=f).requires_grad_(), "z": normal(sequences, e, length),
            "delta_bias": bias.requires_grad_()}


def same_bits(torch, gradients):
    """Whether a second backward pass gives what the first one gave."""
    first, second = gradients(), gradients()
    return all(torch.equal(x, y) for x, y in zip(first, second))


def time_scan(packages, clock, report, options):
    torch, scan = packages.torch, packages.interface.selective_scan_fn
    e, n, sequences = 512, 16, 4
    for type_name in options.types:
        for length in options.lengths:
            for launches in (1, sequences):
                case = {"part": "scan", "type": type_name, "E": e, "N": n, "L": length, "sequences": sequences,
                        "launches": launches}

                def operands():
                    each = sequences // launches
                    sets = [scan_operands(torch, each, length, number_type(torch, type_name)) for _ in range(launches)]
                    return [{**s, "delta_softplus": True} for s in sets]

                def rates(figures):
                    exps = sequences * length * e * n
                    seconds = figures["ms"] / 1e3
                    return {**figures, "tokens_per_second": sequences * length / seconds, "exps_per_second": exps / seconds,
                            "share_of_exp_limit": exps / seconds / EXP_LIMIT}

                def forward():
                    sets = operands()
                    with torch.no_grad():
                        return rates(clock.measure(lambda: [scan(**s) for s in sets]))

                def backward():
                    sets = operands()
                    outputs = [scan(**s) for s in sets]
                    inputs = [[x for x in s.values() if torch.is_tensor(x)] for s in sets]
                    dy = [torch.randn_like(y) for y in outputs]

                    def gradients():
                        parts = [torch.autograd.grad(y, x, g, retain_graph=True) for y, x, g in zip(outputs, inputs, dy)]
                        return [g for part in parts for g in part]

                    figures = rates(clock.measure(gradients))
                    figures["same_bits_twice"] = same_bits(torch, gradients)
                    return figures

                report.run({**case, "pass": "forward"}, forward)
                report.run({**case, "pass": "backward"}, backward)


def time_inner(packages, clock, report, options):
    torch = packages.torch
    d, e, n, r, taps, sequences = 256, 512, 16, 16, 4, 4
    for type_name in options.types:
        for length in options.lengths:
            case = {"part": "inner", "type": type_name, "D": d, "E": e, "N": n, "R": r, "L": length, "sequences": sequences}
            if not packages.has_conv:
                report.add({**case, "status": "skipped: mamba_inner_fn needs causal-conv1d"})
                continue

            def operands():
                dtype = number_type(torch, type_name)
                scan = scan_operands(torch, 1, 1, dtype)
                make = lambda *shape, scale: (torch.randn(*shape, device="cuda") * scale).to(dtype).requires_grad_()
                weights = [make(e, 1, taps, scale=0.3), make(e, scale=0.1), make(r + 2 * n, e, scale=e**-0.5),
                           make(e, r, scale=r**-0.5), make(d, e, scale=e**-0.5)]
                return make(sequences, 2 * e, length, scale=1.0), weights, scan

            def call(xz, weights, scan):
                return packages.interface.mamba_inner_fn(xz, *weights, None, scan["A"], None, None, scan["D"],
                                                         delta_bias=scan["delta_bias"], delta_softplus=True)

            def rates(figures):
                return {**figures, "tokens_per_second": sequences * length / figures["ms"] * 1e3}

            def forward():
                xz, weights, scan = operands()
                with torch.no_grad():
                    return rates(clock.measure(lambda: call(xz, weights, scan)))

            def backward():
                xz, weights, scan = operands()
                y = call(xz, weights, scan)
                inputs = [xz, *weights, scan["A"], scan["D"], scan["delta_bias"]]
                dy = torch.randn_like(y)
                gradients = lambda: torch.autograd.grad(y, inputs, dy, retain_graph=True)
                figures = rates(clock.measure(gradients))
                figures["same_bits_twice"] = same_bits(torch, gradients)
                return figures

            report.run({**case, "pass": "forward"}, forward)
            report.run({**case, "pass": "backward"}, backward)


def time_stack(packages, clock, report, options):
    torch = packages.torch
    torch.backends.cuda.matmul.allow_tf32 = True
    if packages.norms is None:
        report.add({"part": "stack", "status": f"skipped: the package's Triton norms do not import ({packages.norms_missing})"})
        return
    shapes = [("131k", 256, 16, 131072, batch) for batch in options.long_batches]
    shapes += [("1k", 118, 4, 1024, batch) for batch in options.short_batches]
    autocast = lambda: torch.autocast(device_type="cuda", dtype=torch.bfloat16)
    for name, d, layers, length, batch in shapes:
        case = {"part": "stack", "shape": name, "D": d, "layers": layers, "L": length, "batch": batch, "type": "bf16",
                "fused_mixer": packages.has_conv}

        def rates(figures, loss=None):
            extra = {} if loss is None else {"loss": loss}
            return {**figures, "tokens_per_second": batch * length / figures["ms"] * 1e3, **extra}

        def train(recompute):
            torch.manual_seed(3)
            model = make_stack(packages, d, layers).train()
            model.recompute = recompute
            optimizer = make_optimizer(torch, model)
            ids, labels = masked_batch(torch, batch, length)
            last = []

            def step():
                optimizer.zero_grad(set_to_none=True)
                with autocast():
                    loss = model.loss(ids, labels)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                last[:] = [loss.detach()]

            figures = clock.measure(step)
            return rates({**figures, "parameters": sum(p.numel() for p in model.parameters())}, last[0].item())

        def infer():
            torch.manual_seed(3)
            model = make_stack(packages, d, layers).eval()
            ids, _ = masked_batch(torch, batch, length)
            with torch.inference_mode(), autocast():
                return rates(clock.measure(lambda: model(ids)))

        trained = report.run({**case, "pass": "training", "recompute": "none"}, lambda: train(False))
        if trained is None or name == "131k":
            report.run({**case, "pass": "training", "recompute": "layer"}, lambda: train(True))
        report.run({**case, "pass": "inference"}, infer)


def main():
    options = arguments()
    packages = Packages()
    clock = Clock(packages.torch, options.repetitions, options.seconds)
    report = Report(options.json, packages, options.limit)
    parts = {"scan": time_scan, "inner": time_inner, "stack": time_stack}
    for name in options.parts:
        parts[name](packages, clock, report, options)
    if not any(case.get("status") == "ok" for case in report.content["cases"]):
        print("mamba_ssm: no case could be measured", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
