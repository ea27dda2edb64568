#!/usr/bin/env python3
"""Compares the tokenizers id by id with PyPI's tokenizers (DNABERT-2's tokenizer.json with spans, GPT-2's files) and transformers
(EsmTokenizer with Nucleotide Transformer's vocabularies, BertTokenizer with DNABERT's) on real and random sequences.

  LIGASE_PEERS=1 python3 tests/peers/tokenizers_hf.py TOKENIZERS_IDS DATA [--texts N] [--seed N] [--fasta F.fa.gz] [--out FILE.json]

TOKENIZERS_IDS is the program of tokenizers_ids.cpp, DATA the folder that holds dnabert2, gpt2, dnabert and
nucleotide_transformer. Exit code 77 where LIGASE_PEERS is not set, or packages or files are missing.
"""
import argparse
import gzip
import json
import os
import random
import re
import subprocess
import sys
import tempfile


def skip(why):
    print("SKIP: " + why)
    sys.exit(77)


if not os.environ.get("LIGASE_PEERS"):
    skip("set LIGASE_PEERS=1 to compare with tokenizers and transformers")
try:
    import tokenizers
    import transformers
except ImportError as missing:
    skip("%s is not installed (pip install tokenizers transformers)" % missing.name)

SPECIALS = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", "<unk>", "<pad>", "<mask>", "<cls>", "<|endoftext|>"]
BERT_SPECIALS = re.compile(r"(\[UNK\]|\[CLS\]|\[SEP\]|\[PAD\]|\[MASK\])")

# What the library does otherwise on purpose, so that such texts are left out:
#   nt_*       white space is ASCII white space; EsmTokenizer's str.split knows more of it
#   dnabert_*  a k-mer with any other byte is one [UNK]; BertTokenizer takes it apart at punctuation and at CJK characters, and
#              drops characters that it calls control ones
COMPARABLE = {
    "nt": lambda text: not any(c.isspace() and ord(c) > 127 for c in text),
    "dnabert": lambda text: re.fullmatch(r"[A-Za-z0-9 \t\n]*", BERT_SPECIALS.sub("", text)),
}


def read_fasta(path):
    with gzip.open(path, "rt") as file:
        return "".join(line.strip() for line in file if not line.startswith(">"))


def make_texts(count, seed, genome):
    draw = random.Random(seed)
    letters = lambda alphabet, most: "".join(draw.choices(alphabet, k=draw.randint(1, most)))
    texts = ["", " ", "N", "A", "ACGTA", "a", "\n\t"]
    while len(texts) < count:
        kind = draw.random()
        if kind < 0.45 and genome:
            start = draw.randrange(len(genome) - 3000)
            text = genome[start:start + draw.randint(1, 3000)]
            texts.append(text if draw.random() < 0.3 else text.upper())
        elif kind < 0.65:
            texts.append(letters("ACGT", 600))
        elif kind < 0.75:
            texts.append(letters("ACGT" * 5 + "N", 600))
        elif kind < 0.82:
            texts.append(letters("ACGTacgtnN", 300))
        elif kind < 0.87:
            texts.append(letters("ACGT" * 4 + "RYKMSWBDHVN", 300))
        elif kind < 0.92:
            texts.append(letters("ACGT" * 4 + "  \t\n", 200))
        elif kind < 0.96:
            texts.append("".join(draw.choice([letters("ACGTN", 12), draw.choice(SPECIALS), " "]) for _ in range(12)))
        elif kind < 0.98:
            texts.append("".join(draw.choice(["A", "CG", "T", "-", ".", "_", "7", "'s", "?!", " ", "[", "]", "<", ">"])
                                 for _ in range(60)))
        else:
            texts.append("".join(draw.choice(["A", "CGT", " ", "\u00e9", "\u00b2", "\u4e2d", "\u00a0", "\u0301", "\u20ac",
                                              "\U0001f9ec", "\u0660", "\u2003"]) for _ in range(40)))
    return texts


def bytes_at(text):
    """Byte offset of every character, and the end."""
    offsets, at = [0], 0
    for character in text:
        at += len(character.encode())
        offsets.append(at)
    return offsets


def kmers(text, k):
    """DNABERT's input for a text: k-mers of what stands between names of special tokens and white space; what is shorter
    than k is nothing."""
    words = []
    for piece in BERT_SPECIALS.split(text):
        if BERT_SPECIALS.fullmatch(piece):
            words.append(piece)
        else:
            for run in piece.split():
                words += [run[i:i + k] for i in range(len(run) - k + 1)]
    return " ".join(words)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("data")
    parser.add_argument("--texts", type=int, default=11000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fasta")
    parser.add_argument("--out")
    args = parser.parse_args()
    at = lambda *parts: os.path.join(args.data, *parts)
    if not os.path.exists(at("dnabert2", "tokenizer.json")):
        skip("no vocabulary files in " + args.data)
    fasta = args.fasta or at("..", "genome_human_chr20", "chr20_hg38coord.fa.gz")
    genome = read_fasta(fasta) if os.path.exists(fasta) else ""
    texts = make_texts(args.texts, args.seed, genome)

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "texts.json")
        with open(path, "w") as file:
            json.dump(texts, file)
        ours = json.loads(subprocess.run([args.tool, args.data, path], check=True, stdout=subprocess.PIPE).stdout)

    theirs = {}
    bpe = tokenizers.Tokenizer.from_file(at("dnabert2", "tokenizer.json"))
    encodings = bpe.encode_batch(texts)
    theirs["dnabert2"] = [e.ids for e in encodings]
    theirs["dnabert2_spans"] = [[[where[b], where[e]] for b, e in encoding.offsets[1:-1]]
                                for encoding, where in zip(encodings, map(bytes_at, texts))]
    gpt2 = tokenizers.ByteLevelBPETokenizer(at("gpt2", "encoder.json"), at("gpt2", "vocab.bpe"))
    gpt2.add_special_tokens(["<|endoftext|>"])
    theirs["gpt2"] = [e.ids for e in gpt2.encode_batch(texts)]
    for version in ("v1", "v2"):
        esm = transformers.EsmTokenizer(at("nucleotide_transformer", "vocab_%s.txt" % version), eos_token=None)
        theirs["nt_" + version] = [esm(text)["input_ids"] for text in texts]
    for k in (3, 4, 5, 6):
        bert = transformers.BertTokenizer(at("dnabert", "vocab_k%d.txt" % k), do_lower_case=False)
        theirs["dnabert_k%d" % k] = bert([kmers(text, k) for text in texts])["input_ids"]

    report, differing = {}, 0
    for name, expected in theirs.items():
        comparable = COMPARABLE.get(name.split("_")[0], lambda text: True)
        compared = [i for i, text in enumerate(texts) if comparable(text)]
        wrong = [i for i in compared if expected[i] != ours[name][i]]
        report[name] = {"texts": len(compared), "left_out": len(texts) - len(compared),
                        "tokens": sum(len(expected[i]) for i in compared), "differing": len(wrong)}
        differing += len(wrong)
        print(name, report[name])
        for i in wrong[:5]:
            place = next((j for j, (a, b) in enumerate(zip(expected[i], ours[name][i])) if a != b), -1)
            shown = slice(place, place + 6) if place >= 0 else slice(None)
            print("   %r: token %d: theirs %s, ours %s" % (texts[i][:200], place, expected[i][shown], ours[name][i][shown]))
    if args.out:
        with open(args.out, "w") as file:
            json.dump({"what": "ids and spans of ligase's tokenizers against PyPI's, text by text (tests/peers/tokenizers_hf.py)",
                       "tokenizers": tokenizers.__version__, "transformers": transformers.__version__,
                       "seed": args.seed, "genome": os.path.basename(fasta) if genome else None, "results": report},
                      file, indent=2)
            file.write("\n")
    sys.exit(1 if differing else 0)


main()
