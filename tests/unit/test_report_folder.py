"""The folder of a report: replaced whole, and never something else with it."""

from pathlib import Path

import pytest

from fluffy_sql.errors import ReportError, UsageError
from fluffy_sql.operations.report.folder import GENERATOR, replaced_whole, require_replaceable


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """An earlier report."""
    folder = tmp_path / "report"
    (folder / "clusters").mkdir(parents=True)
    (folder / "index.html").write_text(f"<!DOCTYPE html>\n{GENERATOR}\nthe earlier one")
    (folder / "clusters" / "0001.png").write_text("a sheet")
    return folder


def write(out: Path, text: str = "the new one") -> None:
    with replaced_whole(out) as folder:
        (folder / "index.html").write_text(f"{GENERATOR}{text}")
        (folder / "clusters").mkdir()


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_a_missing_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b")
    assert names(tmp_path) == ["a", "a/b", "a/b/clusters", "a/b/index.html"]
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == (tmp_path / "a").stat().st_mode & 0o777


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    assert names(tmp_path) == ["empty", "empty/clusters", "empty/index.html"]


def test_an_earlier_report_is_replaced_whole(report: Path) -> None:
    (report / ".DS_Store").touch()
    (report / "clusters" / "Thumbs.db").touch()
    (report / "clusters" / "-5.png").touch()
    write(report)
    assert names(report.parent) == ["report", "report/clusters", "report/index.html"]
    assert "the new one" in (report / "index.html").read_text()


@pytest.mark.parametrize(
    "foreign",
    ["notes.txt", ".git", "clusters/notes.png", "clusters/0001.jpg", "clusters/deeper/0001.png"],
)
def test_what_is_no_report_is_not_replaced(report: Path, foreign: str) -> None:
    (report / foreign).parent.mkdir(exist_ok=True)
    (report / foreign).write_text("precious")
    before = names(report)
    with pytest.raises(UsageError, match="holds other things than an earlier report") as error:
        write(report)
    assert foreign.removesuffix("/0001.png") in str(error.value)
    assert names(report) == before
    assert names(report.parent) == ["report", *(f"report/{name}" for name in before)]


def test_another_page_is_no_report(report: Path) -> None:
    (report / "index.html").write_text("<!DOCTYPE html><title>My site</title>")
    with pytest.raises(UsageError, match="other things"):
        write(report)
    (report / "index.html").unlink()
    (report / "index.html").mkdir()
    with pytest.raises(UsageError, match="other things"):
        write(report)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        require_replaceable(tmp_path / "file")


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_report_that_was_broken_off_leaves_the_earlier_one(
    report: Path, failure: type[BaseException]
) -> None:
    before = names(report.parent)

    def break_off() -> None:
        with replaced_whole(report) as folder:
            (folder / "index.html").write_text("half of")
            assert "the earlier one" in (report / "index.html").read_text()
            raise failure

    with pytest.raises(failure):
        break_off()
    assert names(report.parent) == before
    assert "the earlier one" in (report / "index.html").read_text()


def test_what_was_put_there_meanwhile_is_kept(report: Path) -> None:
    def write_slowly() -> None:
        with replaced_whole(report):
            (report / "notes.txt").write_text("precious")

    with pytest.raises(UsageError, match=r"notes\.txt"):
        write_slowly()
    assert "the earlier one" in (report / "index.html").read_text()
    assert names(report.parent)[0] == "report"


def test_the_earlier_one_is_put_back_where_the_new_one_can_not_take_its_place(
    report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = type(report).rename

    def refuse_new(self: Path, target: Path) -> Path:
        if ".new-" in self.name:
            raise PermissionError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(type(report), "rename", refuse_new)
    with pytest.raises(ReportError, match="can't be written: Permission denied"):
        write(report)
    assert "the earlier one" in (report / "index.html").read_text()
    assert names(report.parent)[0] == "report"


def test_a_folder_that_can_not_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match="can't be"):
        write(tmp_path / "file" / "report")
