import re
import subprocess

import numpy as np
import pytest

from tenfold import Model, network, open_model
from tenfold.errors import ExportError
from tenfold.export import export, integers
from tenfold.export.c import identifier
from tenfold.models.model import pretrained_names
from tenfold.networks import NETWORKS, Conv, Dense, Flatten, MaxPool, ReLU

pytestmark = pytest.mark.needs("gcc", "nm", "size")

STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror"]
SANITIZED = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]


def compiled(exported, *flags):
    source = exported.paths[0]
    binary = source.with_suffix(".bin")
    macro = f"-D{identifier(source.stem).upper()}_MAIN"
    subprocess.run(["gcc", *STRICT, *flags, macro, str(source), "-o", str(binary), "-lm"], check=True)
    return binary


def answers(binary, images):
    """Return labels, logits and probabilities as the test program prints them."""
    done = subprocess.run([binary], input=images.tobytes(), capture_output=True, check=True)
    assert not done.stderr
    rows = np.array(done.stdout.split(), np.float64).reshape(len(images), -1)
    return rows[:, 0], *np.split(rows[:, 1:], 2, axis=1)


def check_float(model, binary, images):
    labels, logits, probabilities = answers(binary, images)
    np.testing.assert_allclose(logits, model.logits(images, "numpy"), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(probabilities, model.predict_proba(images, "numpy"), atol=1e-4)
    np.testing.assert_array_equal(labels, logits.argmax(axis=1))


def check_integers(program, binary, images):
    labels, logits, probabilities = answers(binary, images)
    reference = integers.run(program, images)
    np.testing.assert_array_equal(logits, reference)
    np.testing.assert_array_equal(probabilities, integers.probabilities(program.confidence, reference))
    np.testing.assert_array_equal(labels, reference.argmax(axis=1))


def test_float_c_is_strictly_c99_clean_under_sanitizers_and_says_the_same(small, pictures, tmp_path):
    binary = compiled(export(small, "c", tmp_path), *SANITIZED)

    check_float(small, binary, pictures(small.architecture, 200))


def test_int8_c_is_the_numpy_reference_bit_for_bit(small, pictures, tmp_path):
    calibration = pictures(small.architecture, 200, seed=1)
    exported = export(small, "c", tmp_path, int8=True, calibration=calibration)
    binary = compiled(exported, *SANITIZED)

    check_integers(exported.program, binary, pictures(small.architecture, 200))


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_digits(fast, mnist, pictures, tmp_path, int8):
    exported = export(fast, "c", tmp_path / "digits.c", int8=int8)
    binary = compiled(exported, "-O2")
    images = np.concatenate([mnist.test.images[:200], pictures(fast.architecture, 50)])

    if int8:
        check_integers(exported.program, binary, images)
    else:
        check_float(fast, binary, images)


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_the_stated_memory_is_what_the_compiler_lays_out(small, pictures, tmp_path, int8):
    calibration = pictures(small.architecture, 20)
    exported = export(small, "c", tmp_path / "net.c", int8=int8, calibration=calibration if int8 else None)
    subprocess.run(["gcc", "-std=c99", "-Os", "-c", "net.c"], cwd=tmp_path, check=True)

    def told(*command):
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout

    sizes = {"r": 0, "b": 0, "d": 0}
    for line in told("nm", "--print-size", "net.o").splitlines():
        parts = line.split()
        if len(parts) == 4 and parts[2].lower() in sizes and not parts[3].startswith(".L"):
            sizes[parts[2].lower()] += int(parts[1], 16)
    assert sizes == {"r": exported.table_bytes, "b": exported.memory_bytes, "d": 0}

    header = (tmp_path / "net.h").read_text()
    assert f"#define NET_TABLE_BYTES {exported.table_bytes}\n" in header
    assert f"#define NET_MEMORY_BYTES {exported.memory_bytes}\n" in header
    stated = int(re.search(r"up to ([\d,]+) bytes of code", header)[1].replace(",", ""))
    text = int(told("size", "net.o").splitlines()[1].split()[0])
    assert 0.4 * stated < text - exported.table_bytes <= stated


@pytest.mark.parametrize("name", pretrained_names())
@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_the_stated_code_is_enough_for_what_ships(mnist, tmp_path, name, int8):
    calibration = mnist.train.images[:100] if int8 else None
    exported = export(open_model(name), "c", tmp_path / "net.c", int8=int8, calibration=calibration)
    subprocess.run(["gcc", "-std=c99", "-Os", "-c", "net.c"], cwd=tmp_path, check=True)

    told = subprocess.run(["size", "net.o"], cwd=tmp_path, capture_output=True, text=True, check=True)
    text = int(told.stdout.splitlines()[1].split()[0])
    stated = re.search(r"up to ([\d,]+) bytes of code", (tmp_path / "net.h").read_text())[1]
    stated = int(stated.replace(",", ""))
    assert 0.6 * stated < text - exported.table_bytes <= stated


def test_int8_c_needs_no_library_and_nothing_is_allocated(small, pictures, tmp_path):
    calibration = pictures(small.architecture, 20)
    exported = export(small, "c", tmp_path / "net.c", int8=True, calibration=calibration)
    subprocess.run(["gcc", "-std=c99", "-Os", "-c", "net.c"], cwd=tmp_path, check=True)

    undefined = subprocess.run(
        ["nm", "-u", "net.o"], cwd=tmp_path, capture_output=True, text=True, check=True
    )

    # The compiler itself may call these for loops that copy or fill.
    assert set(undefined.stdout.split()) <= {"U", "memset", "memcpy", "_GLOBAL_OFFSET_TABLE_"}
    assert "float" not in re.sub(r"/\*.*?\*/", "", exported.paths[0].read_text(), flags=re.DOTALL)


@pytest.mark.parametrize(("name", "rom", "ram"), [("tiny-700", 6, 5), ("tiny-4k", 16, 8), ("tiny-8k", 16, 8)])
def test_the_tiny_networks_fit_a_microcontroller(of, mnist, tmp_path, name, rom, ram):
    exported = export(of(NETWORKS[name]), "c", tmp_path / "net.c", int8=True)
    subprocess.run(["gcc", "-std=c99", "-Os", "-fstack-usage", "-c", "net.c"], cwd=tmp_path, check=True)

    told = subprocess.run(["size", "net.o"], cwd=tmp_path, capture_output=True, text=True, check=True)
    text, data, static = map(int, told.stdout.splitlines()[1].split()[:3])
    # No function calls itself, so all of them together are more than any chain of calls.
    stack = sum(int(line.split("\t")[1]) for line in (tmp_path / "net.su").read_text().splitlines())
    given = 28 * 28 + 2 * 10  # the picture and the probabilities
    assert data == 0
    assert exported.table_bytes < text < rom * 1024
    assert 0 < static + stack + given < ram * 1024


def test_pooling_at_once_leaves_out_what_no_window_reaches(of, mnist, tmp_path):
    odd = network(28, 28)(
        *(Conv(3, 3), MaxPool(3), ReLU(), Conv(4, 2, padding=1), MaxPool(2, stride=1), ReLU()),
        *(Conv(5, 2, groups=1), ReLU(), MaxPool(4), Flatten(), Dense(10)),
    )
    exported = export(of(odd), "c", tmp_path, int8=True, calibration=mnist.train.images)

    check_integers(exported.program, compiled(exported, *SANITIZED), mnist.test.images[:100])


def test_the_header_counts_the_parameters_that_are_written(tmp_path):
    export(open_model("tiny-700"), "c", tmp_path / "net.c")

    # A bias that is zero by structure is no parameter; those of the card are counted the same way.
    assert " * parameters, folded: 674\n" in (tmp_path / "net.h").read_text()


def test_nothing_that_a_model_says_of_itself_ends_a_comment(of, tmp_path):
    model = of(NETWORKS["shrestha-1"])
    card = {"data": {"name": "*/ #error /* ünïcode ??/", "sha256": "a\nb"}}
    odd = Model(model.architecture.named("*/ #error"), model.weights, ("*/", *"123456789"), 1.0, card)

    compiled(export(odd, "c", tmp_path / "odd.c"))


@pytest.mark.parametrize(
    ("name", "found"), [("fast", "fast"), ("Fast-2.0 b", "fast_2_0_b"), ("4k", "net_4k"), ("__x", "x")]
)
def test_functions_are_named_after_the_file(name, found):
    assert identifier(name) == found


def test_a_file_without_letters_names_no_function():
    with pytest.raises(ExportError, match="Name the file in letters"):
        identifier("--")


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_zoo(of, mnist, tmp_path, name):
    model = of(NETWORKS[name], temperature=1.0)
    check_float(model, compiled(export(model, "c", tmp_path / "f.c"), "-O1"), mnist.test.images[:10])
    exported = export(model, "c", tmp_path / "q.c", int8=True, calibration=mnist.train.images[:100])
    check_integers(exported.program, compiled(exported, "-O1"), mnist.test.images[:10])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["base", "tiny-8k", "tiny-4k", "tiny-700"])
@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
def test_what_ships_is_clean_under_sanitizers_and_says_the_same(mnist, tmp_path, name, int8):
    model, images = open_model(name), mnist.test.images[:1000]
    exported = export(model, "c", tmp_path / "net.c", int8=int8)
    binary = compiled(exported, *SANITIZED)

    if int8:
        check_integers(exported.program, binary, images)
    else:
        check_float(model, binary, images)
