"""Where the public corpora, vectors and models come from, and whether a folder holds the right files.

Nothing here downloads: most of these files have a licence that the user must accept at their source.
"""

from __future__ import annotations

from pathlib import Path

from seqlab.corpora.expected import Entry, File, Finding, find
from seqlab.errors import DataError, SettingsError, suggest

ROWS = (
    Entry(
        "conll2003",
        "CoNLL-2003 named entities, English",
        "CLiPS, University of Antwerp (annotations); Reuters Corpus volume 1 from NIST (text)",
        "Reuters text: by agreement with NIST, for research; not to be passed on",
        {"eng": (File("eng.train"), File("eng.testa"), File("eng.testb"))},
        arrange={"eng.train": "train.txt", "eng.testa": "dev.txt", "eng.testb": "test.txt"},
        note="Columns word, POS, chunk, NER, in IOB1; copies that circulate in IOB2 give other checksums.",
    ),
    Entry(
        "conll2000",
        "CoNLL-2000 chunking",
        "CLiPS, University of Antwerp; the same files are part of NLTK's data",
        "Free for research",
        {
            "english": (
                File("train.txt", 2842164, "82033cd7a72b209923a98007793e8f9de3abc1c8b79d646c50648eb949b87cea"),
                File("test.txt", 639396, "73b7b1e565fa75a1e22fe52ecdf41b6624d6f59dacb591d44252bf4d692b1628"),
            )
        },
        arrange={"train.txt": "train.txt", "test.txt": "test.txt"},
        note="Columns word, POS, chunk, in IOB2. No development set: a seed draws one.",
    ),
    Entry(
        "ud_en_1.3",
        "Universal Dependencies English 1.3",
        "Universal Dependencies release 1.3, LINDAT/CLARIAH-CZ; UD_English on GitHub, tag r1.3",
        "CC BY-SA 4.0",
        {
            "english": (
                File(
                    "en-ud-train.conllu",
                    10029855,
                    "7bb2f81e65b4fdf10bbf78afc7553a02fb35580a5554625014738e9585196104",
                ),
                File(
                    "en-ud-dev.conllu",
                    1232046,
                    "5454c19d5e9e651036d4c218e6f6b3e546c41b30c47e03564621282ba1db77ee",
                ),
                File(
                    "en-ud-test.conllu",
                    1224321,
                    "b2e847da5070ebabee0413ee3311fa57bf0d0432f4b4a919885f9dc833e30de1",
                ),
            )
        },
        arrange={name: name for name in ("en-ud-train.conllu", "en-ud-dev.conllu", "en-ud-test.conllu")},
        note="No comments and no multiword tokens in this release.",
    ),
    Entry(
        "wnut17",
        "WNUT-17 emerging and rare entities",
        "emerging_entities_17 by Leon Derczynski on GitHub; noisy-text.github.io/2017",
        "CC BY 4.0",
        {
            "english": (
                File(
                    "wnut17train.conll",
                    493781,
                    "731820e13f71af324c6b55a1575ec2ce59fbaa2a0806f8f0400b98d56cd6a7a5",
                ),
                File(
                    "emerging.dev.conll",
                    114749,
                    "e053b752b8155113ca66e7db08af5f2f5f43ab993694e4774f1ec5bad42312d8",
                ),
                File(
                    "emerging.test.annotated",
                    192425,
                    "2aa79b764e56ec9264a1b30fdd9b70195bd00ff400b62edd8f399d5f13c178f0",
                ),
            )
        },
        arrange={
            "wnut17train.conll": "train.conll",
            "emerging.dev.conll": "dev.conll",
            "emerging.test.annotated": "test.conll",
        },
        note="Word TAB tag, in IOB2. The type creative-work holds a hyphen.",
    ),
    Entry(
        "glove",
        "GloVe 6B word vectors",
        "Stanford NLP group, nlp.stanford.edu/projects/glove: unpack glove.6B.zip",
        "PDDL 1.0",
        {
            "50d": (File("glove.6B.50d.txt", 171350079),),
            "100d": (File("glove.6B.100d.txt", 347116733),),
            "200d": (File("glove.6B.200d.txt"),),
            "300d": (File("glove.6B.300d.txt", 1037962819),),
            "50d, cut for development": (
                File(
                    "glove.6B.50d.trimmed.txt",
                    16186515,
                    "940ffc37a9b2b8f1bab3b5355a020ee7a224db370e40edacc3ca67c6d6a03f58",
                ),
            ),
        },
        arrange={name: name for name in ("glove.6B.50d.txt", "glove.6B.50d.trimmed.txt")},
        note="Lower-cased words; no row for unknown words. The cut: words of common English corpora.",
    ),
    Entry(
        "elmo",
        "ELMo, the pre-trained bidirectional language model",
        "Allen Institute for AI: allennlp.org/elmo (original); allenai/bilm-tf on GitHub (fixture)",
        "Apache-2.0",
        {
            "original": (
                File("elmo_2x4096_512_2048cnn_2xhighway_options.json", 336),
                File("elmo_2x4096_512_2048cnn_2xhighway_weights.hdf5", 374434792),
            ),
            "fixture": (
                File(
                    "model/options.json",
                    308,
                    "2a453e9f98d49e1803417fcaa3c84b8b351827212aa1139ab65883e93dbbffce",
                ),
                File(
                    "model/lm_weights.hdf5",
                    450896,
                    "dd04f92cd41c89f8880a99320bda17ec4c8620f8c9d1051e61cc457afc6d44e4",
                ),
            ),
        },
        note="use_skip_connections is true in the original model and false in the fixture.",
    ),
    Entry(
        "timit",
        "TIMIT acoustic-phonetic continuous speech",
        "Linguistic Data Consortium, catalogue number LDC93S1",
        "LDC user agreement; not to be passed on",
        {
            "LDC93S1": (
                File("train/dr*/*/*.phn", count=4620),
                File("train/dr*/*/*.wav", count=4620),
                File("test/dr*/*/*.phn", count=1680),
                File("test/dr*/*/*.wav", count=1680),
            )
        },
        note="Sound in NIST SPHERE files named .wav; .phn holds begin and end in samples, end exclusive.",
    ),
    Entry(
        "iam_ondb",
        "IAM On-Line Handwriting Database",
        "Research group on computer vision and AI, University of Bern (registration)",
        "Free for non-commercial research; not to be passed on",
        {
            "lines": (
                File("lineStrokes/*/*/*.xml", count=None),
                File("ascii/*/*/*.txt", count=None),
                File("trainset.txt"),
                File("testset_v.txt"),
                File("testset_t.txt"),
                File("testset_f.txt"),
            )
        },
        note="The set files are those of the benchmark task IAM-OnDB-t1, unpacked beside the two folders.",
    ),
    Entry(
        "jsb",
        "JSB Chorales, quarter-note piano rolls",
        "JSB-Chorales-dataset by Cheng-Zhi Anna Huang on GitHub; splits of Boulanger-Lewandowski (2012)",
        "The works are in the public domain",
        {
            "quarter": (
                File(
                    "jsb-chorales-quarter.json",
                    407200,
                    "2db9329f1881a1d3f49703ec556bf1d6f84b4f6c1d702c156536e93cf31e1c91",
                ),
            )
        },
        note="train, valid, test: lists of pieces, a piece a list of steps, a step a list of MIDI pitches.",
    ),
)

CATALOGUE: dict[str, Entry] = {row.name: row for row in ROWS}


def entry(name: str) -> Entry:
    """Returns the row of that name.

    Raises:
        SettingsError: No row has that name.

    >>> entry("conll2000").prepare
    'python scripts/prepare_data.py conll2000 FOLDER'
    """
    if name not in CATALOGUE:
        raise SettingsError(f"Unknown data set {name!r}; known are {', '.join(CATALOGUE)}.{suggest(name, CATALOGUE)}")
    return CATALOGUE[name]


def locate(name: str, variant: str, data: str | Path) -> Path:
    """Says which file of a data set of single files is present: the variant's own, or one cut from it.

    Args:
        name: Key in `CATALOGUE`.
        variant: A variant of that row; those named `VARIANT, ...` will do as well.
        data: The folder of all data sets, each in a folder of its name.

    Returns:
        The first file that is present; where none is, the variant's own, for its reader to miss.

    Raises:
        SettingsError: No row, or no variant of the row, has that name.
    """
    row = entry(name)
    if variant not in row.variants:
        known = ", ".join(map(repr, row.variants))
        raise SettingsError(
            f"{row.title} has no variant {variant!r}; known are {known}.{suggest(variant, row.variants)}"
        )
    files = [file for key, known in row.variants.items() if key.split(", ")[0] == variant for file in known]
    paths = [Path(data, name, file.name) for file in files]
    return next((path for path in paths if path.is_file()), paths[0])


def verify(name: str, folder: str | Path) -> list[Finding]:
    """Compares the files in a folder with the row of a data set.

    Where a row has several variants, those that are complete are reported, else the most complete one.

    Args:
        name: Key in `CATALOGUE`.
        folder: Where the files are.

    Returns:
        A finding for each expected file; `.bad` where it is missing or wrong.

    Raises:
        SettingsError: No row has that name.
        DataError: The folder does not exist.
    """
    row, top = entry(name), Path(folder)
    if not top.is_dir():
        raise DataError(f"Not a folder. Expected the one with the files of {row.title}: {row.source}.", str(top))
    paths = {path.relative_to(top).as_posix().lower(): path for path in sorted(top.rglob("*")) if path.is_file()}
    variants = [[find(file, paths) for file in files] for files in row.variants.values()]
    complete = [findings for findings in variants if all(finding.state != "missing" for finding in findings)]
    if not complete:
        complete = [max(variants, key=lambda findings: sum(finding.state != "missing" for finding in findings))]
    return [finding for findings in complete for finding in findings]
