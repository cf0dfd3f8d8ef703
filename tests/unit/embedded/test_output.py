"""What a part prints is in its file, whole and in order, and the file doesn't grow without bound."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from embedded import output
from embedded.output import Output

lines = st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), max_size=20)


@given(lines, st.lists(st.integers(0, 700), max_size=10))
def test_lines_arrive_as_they_were_printed_however_they_were_read(tmp_path_factory, printed, cuts):
    path = tmp_path_factory.mktemp("logs") / "a.log"
    taken = Output(path, "a", "WARNING", lambda _: None)
    whole = b"".join(line + b"\n" for line in printed)
    edges = sorted({0, len(whole), *(cut % (len(whole) + 1) for cut in cuts)})
    for start, end in pairwise(edges):
        taken.write(whole[start:end])
    last = taken.ended()
    taken.close()
    assert path.read_bytes() == whole
    assert last == [line.decode(errors="replace").rstrip() for line in printed][-output.LAST_LINES :]


def test_warnings_and_errors_are_shown_with_the_name_of_the_part(tmp_path):
    shown: list[str] = []
    taken = Output(tmp_path / "a.log", "a", "WARNING", shown.append)
    levels = ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL", "FATAL")
    taken.write("".join(f"2026-01-01T00:00:00+0000 {level} a text\n" for level in levels).encode())
    taken.write(b"no level: WARNING\n")
    taken.close()
    assert [line.split()[3] for line in shown] == ["WARN", "WARNING", "ERROR", "CRITICAL", "FATAL"]
    assert all(line.startswith("a | 2026") for line in shown)


def test_a_part_may_be_quieter(tmp_path):
    shown: list[str] = []
    taken = Output(tmp_path / "a.log", "a", "ERROR", shown.append)
    taken.write(b"x WARN a\nx ERROR b\n")
    taken.close()
    assert shown == ["a | x ERROR b"]


def test_files_are_put_aside_at_their_size_and_at_the_start(tmp_path, monkeypatch):
    monkeypatch.setattr(output, "FILE_BYTES", 100)
    path = tmp_path / "a.log"
    taken = Output(path, "a", "WARNING", lambda _: None)
    for number in range(100):
        taken.write(f"line {number:03}\n".encode())
    taken.close()
    kept = (tmp_path / "a.log.1").read_bytes() + path.read_bytes()
    assert len(kept) <= 2 * (100 + 9)
    assert kept.endswith(b"line 099\n")
    Output(path, "a", "WARNING", lambda _: None).close()
    assert path.read_bytes() == b""
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.log", "a.log.1"]


def test_a_line_without_an_end_is_cut_and_the_last_one_is_not_lost(tmp_path):
    taken = Output(tmp_path / "a.log", "a", "WARNING", lambda _: None)
    taken.write(b"x" * (output.LINE_BYTES + 1))
    assert (tmp_path / "a.log").stat().st_size == output.LINE_BYTES + 2
    taken.write(b"last words")
    assert taken.ended()[-1] == "last words"
    assert taken.ended() == []
    taken.close()
