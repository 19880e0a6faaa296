"""A decoder with random weights, for scripts/profile_gpu."""
import collections
import math

Shape = collections.namedtuple("Shape", "layers hidden heads kv_heads head mlp mlp_matrices vocab")


class Decoder:
    """Weights, KV cache and both phases. The cache has its full length from the start."""

    def __init__(self, torch, shape, device, dtype):
        self.torch, self.shape, self.device, self.dtype = torch, shape, device, dtype
        self.sdpa = getattr(torch.nn.functional, "scaled_dot_product_attention", None)

        def weight(*size):
            return torch.empty(size, device=device, dtype=dtype).normal_(0, 0.02)

        s = shape
        self.embedding, self.head = weight(s.vocab, s.hidden), weight(s.vocab, s.hidden)
        self.layers = [(weight((s.heads + 2 * s.kv_heads) * s.head, s.hidden),
                        weight(s.hidden, s.heads * s.head),
                        weight((s.mlp_matrices - 1) * s.mlp, s.hidden),
                        weight(s.hidden, s.mlp)) for _ in range(s.layers)]

    def reserve(self, batch, length):
        """Room for a batch; lengths in multiples of 8, as fast attention wants its mask."""
        torch, s = self.torch, self.shape
        self.cache = None  # before the next one is made
        length = (length + 7) // 8 * 8
        size = (s.layers, 2, batch, s.kv_heads, length, s.head)
        self.cache = torch.zeros(size, device=self.device, dtype=self.dtype)
        at = torch.arange(length, device=self.device, dtype=torch.float32)
        speed = 10000.0 ** (-torch.arange(0, s.head, 2, device=self.device) / s.head)
        angle = at[:, None] * speed[None, :]
        self.cos = torch.cat((angle.cos(), angle.cos()), -1).to(self.dtype)
        self.sin = torch.cat((-angle.sin(), angle.sin()), -1).to(self.dtype)
        self.places = torch.arange(length, device=self.device)
        self.next = torch.zeros((batch, 1), device=self.device, dtype=torch.long)
        self.position = torch.zeros(1, device=self.device, dtype=torch.long)

    def normalised(self, x):
        """LayerNorm: one kernel, where PyTorch needs many for an RMSNorm of the same bytes."""
        return self.torch.nn.functional.layer_norm(x, x.shape[-1:])

    def attention(self, q, k, v, mask=None):
        """Causal where there is no mask (0, or -inf for what is not seen)."""
        if self.sdpa is not None:
            return self.sdpa(q, k, v, attn_mask=mask, is_causal=mask is None)
        scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
        if mask is None:
            length = q.shape[-2]
            mask = self.torch.full((length, length), -math.inf, device=q.device,
                                   dtype=q.dtype).triu(1)
        return (scores + mask).softmax(-1) @ v

    def block(self, x, layer, places, turn, mask):
        """One layer for tokens at `places`, whose keys and values go into the cache."""
        torch, s = self.torch, self.shape
        linear = torch.nn.functional.linear
        qkv_weight, out_weight, up_weight, down_weight = self.layers[layer]
        batch, tokens = x.shape[:2]
        qkv = linear(self.normalised(x), qkv_weight).view(batch, tokens, -1, s.head).transpose(1, 2)
        qk, v = qkv.split((s.heads + s.kv_heads, s.kv_heads), 1)
        cos, sin = turn
        qk = torch.addcmul(qk * cos, qk.roll(s.head // 2, -1), sin)
        q, k = qk.split((s.heads, s.kv_heads), 1)
        keys, values = self.cache[layer]
        keys.index_copy_(2, places, k)
        values.index_copy_(2, places, v)
        group = s.heads // s.kv_heads
        if mask is None:
            k, v = (one.repeat_interleave(group, 1) if group > 1 else one for one in (k, v))
            seen = self.attention(q, k, v)
        else:
            # The heads of a group share keys and values: as if they were tokens, none is copied.
            q = q.reshape(batch, s.kv_heads, group, s.head)
            seen = self.attention(q, keys, values, mask.expand(batch, s.kv_heads, group, -1))
            seen = seen.reshape(batch, s.heads, 1, s.head)
        x = x + linear(seen.transpose(1, 2).reshape(batch, tokens, -1), out_weight)
        up = linear(self.normalised(x), up_weight)
        if s.mlp_matrices == 3:
            gate, up = up.chunk(2, -1)
            up = torch.nn.functional.silu(gate) * up
        else:
            up = torch.nn.functional.gelu(up)
        return x + linear(up, down_weight)

    def run(self, tokens, places, mask):
        x = self.embedding[tokens]
        turn = self.cos.index_select(0, places), self.sin.index_select(0, places)
        for layer in range(self.shape.layers):
            x = self.block(x, layer, places, turn, mask)
        logits = self.torch.nn.functional.linear(self.normalised(x[:, -1]), self.head)
        self.next.copy_(logits.argmax(-1, keepdim=True))

    def prefill(self, prompts):
        self.run(prompts, self.places[:prompts.shape[1]], None)
        self.position.fill_(prompts.shape[1])

    def step(self):
        """The next token of every sequence; all of it stays on the device."""
        hidden = self.places > self.position
        mask = self.torch.zeros(hidden.shape, device=self.device, dtype=self.dtype)
        self.run(self.next, self.position, mask.masked_fill_(hidden, -math.inf)[None, None, None])
        self.position.add_(1)
