"""Hugging Face data sets that are on this machine: a folder by `save_to_disk`, and a folder of files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from experiments.data import BadData, LabelledText, Text
from experiments.data.files import read_table
from experiments.extras import MissingExtra


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No network, and no file outside the test's own folder."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hub")
    datasets.disable_progress_bars()


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A data set with two splits, the labels of which are numbers with names."""
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    rows = {"train": {"text": ["a b", "c d", "e f"], "label": [1, 0, 1]}, "valid": {"text": ["g"], "label": [0]}}
    made = {split: datasets.Dataset.from_dict(columns, features=features) for split, columns in rows.items()}
    datasets.DatasetDict(made).save_to_disk(str(tmp_path / "saved"))
    made["valid"].save_to_disk(str(tmp_path / "single"))
    return tmp_path / "saved"


def test_a_saved_data_set(saved: Path) -> None:
    table = read_table(f"hf:{saved}:train", ["label", "text"])
    assert table.columns == {"label": ["yes", "no", "yes"], "text": ["a b", "c d", "e f"]}
    assert table.rows == [1, 2, 3]
    assert read_table(f"hf:{saved.parent / 'single'}", ["text"]).columns == {"text": ["g"]}


def test_data_on_it(saved: Path) -> None:
    data = LabelledText(0, train=f"hf:{saved}:train", valid=f"hf:{saved}:valid")
    assert data.class_names == ["no", "yes"] and len(data.rows("train")) == 3
    assert data.fingerprint() == LabelledText(3, train=f"hf:{saved}:train", valid=f"hf:{saved}:valid").fingerprint()
    text = Text(0, train=f"hf:{saved}:train", valid=f"hf:{saved}:valid", length=2, documents="pack")
    assert text.about()["train_documents"] == 3


def test_a_folder_of_files(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "train.csv").write_text("text,label\nx,a\ny,b\n")
    assert read_table(f"hf:{tmp_path / 'files'}", ["label"]).columns == {"label": ["a", "b"]}


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        ("", ["text"], "which split? End it in :SPLIT; there are train, valid."),
        (":vlaid", ["text"], "no split 'vlaid'; there are train, valid. Did you mean 'valid'?"),
        (":train", ["txt"], "no column 'txt'; its columns are text, label. Did you mean 'text'?"),
        (":a:b:c", ["text"], "hf:NAME, hf:NAME:SPLIT or hf:NAME:CONFIGURATION:SPLIT is wanted"),
        ("-nowhere:train", ["text"], "cannot be loaded"),
    ],
)
def test_bad_names(saved: Path, name: str, columns: list[str], message: str) -> None:
    with pytest.raises(BadData) as error:
        read_table(f"hf:{saved}{name}", columns)
    assert str(error.value).startswith(f"hf:{saved}{name}: ") and message in str(error.value)


def test_null_and_no_class(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])})
    columns = {"text": ["a", None], "label": [-1, 0]}
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(str(tmp_path / "nulls"))
    with pytest.raises(BadData, match=r"nulls:2: column 'text' is null"):
        read_table(f"hf:{tmp_path / 'nulls'}", ["text"])
    with pytest.raises(BadData, match=r"nulls:1: column 'label' is null"):
        read_table(f"hf:{tmp_path / 'nulls'}", ["label"])


def test_without_the_library(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'swapformer\[datasets\]'"):
        read_table(f"hf:{saved}:train", ["text"])
