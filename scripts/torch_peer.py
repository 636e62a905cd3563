"""The peer of `bench_tagger.py`: the same network in torch, with `torch.nn.LSTM` and the CRF of pytorch-crf."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torchcrf import CRF


class Network(nn.Module):
    """Words, casing and char-CNN into a BiLSTM of two layers and a CRF.

    Args:
        words: Rows and width of the word table.
        characters: Rows of the character table.
        labels: Number of labels.
    """

    def __init__(self, words: tuple[int, int], characters: int, labels: int) -> None:
        super().__init__()
        self.words = nn.Embedding(*words)
        self.casing = nn.Embedding(8, 8)
        self.characters = nn.Embedding(characters, 25)
        self.convolution = nn.Conv1d(25, 50, 3, padding=1)
        self.drop = nn.Dropout(0.5)
        self.encoder = nn.LSTM(words[1] + 58, 100, 2, batch_first=True, bidirectional=True, dropout=0.5)
        self.output = nn.Linear(200, labels)
        self.crf = CRF(labels, batch_first=True)

    def forward(self, x: dict[str, torch.Tensor]) -> torch.Tensor:
        """Returns the scores of the labels, `(batch, time, labels)`."""
        forms = self.convolution(self.characters(x["chars"]).transpose(1, 2)).amax(-1).tanh()
        parts = [self.words(x["words"]), self.casing(x["casing"]), forms[x["char_rows"]]]
        lengths = x["mask"].sum(1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.drop(torch.cat(parts, -1)), lengths, batch_first=True, enforce_sorted=False
        )
        hidden, _ = nn.utils.rnn.pad_packed_sequence(
            self.encoder(packed)[0], batch_first=True, total_length=x["mask"].shape[1]
        )
        return self.output(self.drop(hidden))


class Peer:
    """Trains and tags with the network, on the batches of a seqlab tagger.

    Args:
        tagger: The tagger whose sizes to take.
    """

    def __init__(self, tagger: Any) -> None:
        table = tagger.features[0]
        self.network = Network((table.rows, table.dim), tagger.features[-1].characters, len(tagger.labels))
        self.optimizer = torch.optim.Adam(self.network.parameters(), 1e-3)

    def train(self, batches: Any) -> None:
        """Runs one epoch."""
        self.network.train()
        for number in range(len(batches)):
            inputs, labels = batches[number]
            x = _tensors(inputs)
            self.optimizer.zero_grad()
            scores = self.network(x)
            gold = torch.as_tensor(labels).clamp(min=0).long()
            loss = -self.network.crf(scores, gold, x["mask"], reduction="token_mean")
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimizer.step()

    def tag(self, batches: Any) -> list[list[int]]:
        """Tags every batch."""
        self.network.eval()
        found: list[list[int]] = []
        with torch.no_grad():
            for number in range(len(batches)):
                x = _tensors(batches[number][0])
                found += self.network.crf.decode(self.network(x), x["mask"])
        return found


def _tensors(inputs: dict[str, Any]) -> dict[str, torch.Tensor]:
    x = {name: torch.as_tensor(values) for name, values in inputs.items()}
    return {name: values if name == "mask" else values.long() for name, values in x.items()}
