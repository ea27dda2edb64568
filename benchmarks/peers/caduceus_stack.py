"""Caduceus-PS assembled from the modules of the public package mamba-ssm, for mamba_ssm.py to time: the wiring of the published
models (fused add and norm, tied projections, residual in the activations' type), its masked batches and its optimiser."""

PAD = 4  # also the label that does not count
MASK = 3
VOCABULARY = 16
LETTERS = (7, 8, 9, 10)  # A, C, G, T
COMPLEMENT = [0, 1, 2, 3, 4, 5, 6, 10, 9, 8, 7, 11, 12, 13, 14, 15]


def make_stack(packages, d, layers):
    """Caduceus-PS. Hidden states are [B, L, 2 d]: the second half is the other strand, channels reversed."""
    torch, norms, Mamba = packages.torch, packages.norms, packages.Mamba
    nn, functional = torch.nn, torch.nn.functional
    from torch.utils.checkpoint import checkpoint

    def turned(x):
        return x.flip((-2, -1))

    def both_strands(f, x):
        a, b = x.chunk(2, dim=-1)
        return torch.cat([f(a), turned(f(turned(b)))], dim=-1)

    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm = norms.RMSNorm(d, eps=1e-5)
            self.forth = Mamba(d_model=d, d_state=16, d_conv=4, expand=2)
            self.back = Mamba(d_model=d, d_state=16, d_conv=4, expand=2)
            for name in ("in_proj", "out_proj"):
                getattr(self.back, name).weight = getattr(self.forth, name).weight

        def mixer(self, x):
            return self.forth(x) + self.back(x.flip(1)).flip(1)

        def add_norm(self, h, residual):
            return norms.rms_norm_fn(h, self.norm.weight, self.norm.bias, residual=residual, eps=self.norm.eps,
                                     prenorm=True, residual_in_fp32=False)

        def forward(self, h, residual):
            # The fused path of the original takes the second half as the forward strand.
            a, b = h.chunk(2, dim=-1)
            ra, rb = residual.chunk(2, dim=-1) if residual is not None else (None, None)
            first, first_residual = self.add_norm(b, rb)
            second, second_residual = self.add_norm(turned(a), None if ra is None else turned(ra))
            x = torch.cat([first, turned(second)], dim=-1)
            return both_strands(self.mixer, x), torch.cat([first_residual, turned(second_residual)], dim=-1)

    class Stack(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(VOCABULARY, d)
            nn.init.normal_(self.embedding.weight, std=0.02)
            self.layers = nn.ModuleList(Layer() for _ in range(layers))
            self.norm = norms.RMSNorm(d, eps=1e-5)
            self.register_buffer("complement", torch.tensor(COMPLEMENT))
            self.recompute = False

        def final(self, h, residual):
            def norm(x, r):
                return norms.rms_norm_fn(x, self.norm.weight, self.norm.bias, residual=r, eps=self.norm.eps, prenorm=False,
                                         residual_in_fp32=False)

            (a, b), (ra, rb) = h.chunk(2, dim=-1), residual.chunk(2, dim=-1)
            return norm(a, ra), turned(norm(turned(b), turned(rb)))

        def forward(self, ids):
            h = torch.cat([self.embedding(ids), self.embedding(self.complement[ids]).flip(-1)], dim=-1)
            residual = None
            for layer in self.layers:
                if self.recompute and torch.is_grad_enabled():
                    h, residual = checkpoint(layer, h, residual, use_reentrant=False)
                else:
                    h, residual = layer(h, residual)
            a, b = self.final(h, residual)
            weight = self.embedding.weight
            return functional.linear(a, weight) + functional.linear(b.flip(-1), weight[self.complement])

        def loss(self, ids, labels):
            logits = self(ids)
            return functional.cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=PAD)

    return Stack().cuda()


def masked_batch(torch, batch, length):
    """Random letters; 15 % count, of these 80 % are [MASK], 10 % another letter."""
    generator = torch.Generator(device="cuda").manual_seed(2)
    letters = torch.tensor(LETTERS, device="cuda")
    draw = lambda: letters[torch.randint(4, (batch, length), device="cuda", generator=generator)]
    uniform = lambda: torch.rand(batch, length, device="cuda", generator=generator)
    truth, counts, kind = draw(), uniform() < 0.15, uniform()
    ids = torch.where(counts & (kind < 0.8), torch.full_like(truth, MASK), truth)
    ids = torch.where(counts & (kind >= 0.9), draw(), ids)
    return ids, torch.where(counts, truth, torch.full_like(truth, PAD))


def make_optimizer(torch, model):
    """AdamW of the Caduceus recipe: embedding, biases, A_log and D do not decay."""
    decays, rests = [], []
    for name, parameter in model.named_parameters():
        rest = name.startswith("embedding") or name.endswith(("bias", "A_log", ".D"))
        (rests if rest else decays).append(parameter)
    groups = [{"params": decays, "weight_decay": 0.1}, {"params": rests, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=1e-4, betas=(0.9, 0.95), eps=1e-8, fused=True)
