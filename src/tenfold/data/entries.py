"""The data sets known by name, as values: what they are, whose they are, where their files lie, their hashes.

No hash here is our own finding unless it says so. The lists they come from:

- torchvision: ``torchvision/datasets/mnist.py`` (KMNIST, QMNIST, EMNIST's archive) and ``usps.py``; md5.
- TensorFlow Datasets: ``url_checksums/{fashion_mnist,kmnist,emnist}.txt``; sha256 and sizes.
- Keras: ``keras/src/datasets/fashion_mnist.py``; sha256, the same as TensorFlow Datasets'.
- Deeplearning4j ``EmnistFetcher.java`` and the Python package ``mnists``: the md5 of the files inside
  EMNIST's archive; the two lists agree.

`File.content` is the sha256 of a file uncompressed. MNIST's are the commonly published ones. Fashion-MNIST's
were computed from Debian's package ``dataset-fashion-mnist``, whose files differ from the published ones in
the gzip header alone: with file name and time (2017-08-31) restored they have exactly the md5 that Zalando
and torchvision publish.
"""

from __future__ import annotations

from dataclasses import dataclass

_WAYBACK = "https://web.archive.org/web/2022id_/"
"""The Internet Archive's copy of an address, as it was: a last resort, no less checked than the others."""


@dataclass(frozen=True)
class File:
    """A published file.

    Attributes
    ----------
    name : str
        As published.
    hash : str
        "sha256:..." or "md5:..." of the file as published.
    size : int or None
        Bytes as published, where known.
    content : str
        sha256 of what is in it uncompressed, where known. Then a copy that was compressed anew, or not at
        all, is known to be the same.
    """

    name: str
    hash: str
    size: int | None = None
    content: str = ""


@dataclass(frozen=True)
class Archive:
    """A zip file in which others are published.

    Attributes
    ----------
    file : File
    prefix : str
        The folder in the archive.
    members : tuple of File
        Those that are kept; the rest is dropped.
    """

    file: File
    prefix: str
    members: tuple[File, ...]


@dataclass(frozen=True)
class Entry:
    """A data set by name.

    Attributes
    ----------
    name, title, description : str
    classes : tuple of str
        The name of each label.
    counts : (int, int)
        Images for training and for testing.
    shape : (int, int)
        Height and width of an image.
    license, homepage, citation : str
    files : tuple of File
        Training images and labels, test images and labels; or one file each with both.
    mirrors : tuple of str
        Where the files (or the archive) lie, in the order in which they are tried; addresses to put names
        after.
    layout : "idx", "emnist", "qmnist" or "usps"
        How the files are read.
    archive : Archive or None
        Where the files are published inside one.
    folder : str
        The folder in the cache, where it is not `name`.
    note : str
        What is done to the files to make images and labels of them.
    """

    name: str
    title: str
    description: str
    classes: tuple[str, ...]
    counts: tuple[int, int]
    shape: tuple[int, int]
    license: str
    homepage: str
    citation: str
    files: tuple[File, ...]
    mirrors: tuple[str, ...] = ()
    layout: str = "idx"
    archive: Archive | None = None
    folder: str = ""
    note: str = ""

    @property
    def bundled(self) -> bool:
        """Whether the files ship with Tenfold."""
        return not self.mirrors


DIGITS = tuple("0123456789")


def _mirrors(*addresses: str) -> tuple[str, ...]:
    return (*addresses, _WAYBACK + addresses[0])


_EMNIST_DIGITS = (
    File("emnist-digits-train-images-idx3-ubyte.gz", "md5:d2662ecdc47895a6bbfce25de9e9a677"),
    File("emnist-digits-train-labels-idx1-ubyte.gz", "md5:2223fcfee618ac9c89ef20b6e48bcf9e"),
    File("emnist-digits-test-images-idx3-ubyte.gz", "md5:a159b8b3bd6ab4ed4793c1cb71a2f5cc"),
    File("emnist-digits-test-labels-idx1-ubyte.gz", "md5:8afde66ea51d865689083ba6bb779fac"),
)
_EMNIST_LETTERS = (
    File("emnist-letters-train-images-idx3-ubyte.gz", "md5:8795078f199c478165fe18db82625747"),
    File("emnist-letters-train-labels-idx1-ubyte.gz", "md5:c16de4f1848ddcdddd39ab65d2a7be52"),
    File("emnist-letters-test-images-idx3-ubyte.gz", "md5:382093a19703f68edac6d01b8dfdfcad"),
    File("emnist-letters-test-labels-idx1-ubyte.gz", "md5:d4108920cd86601ec7689a97f2de7f59"),
)
_EMNIST_ARCHIVE = Archive(
    File(
        "gzip.zip",
        "sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
        561_753_746,
    ),
    "gzip/",
    _EMNIST_DIGITS + _EMNIST_LETTERS,
)
# The second address answers with a web page since 2024; were it to come back, it would serve the same file.
_EMNIST_MIRRORS = _mirrors(
    "https://biometrics.nist.gov/cs_links/EMNIST/", "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/"
)
_EMNIST_CITATION = (
    "G. Cohen, S. Afshar, J. Tapson, A. van Schaik, EMNIST: an extension of MNIST to handwritten "
    "letters, arXiv:1702.05373, 2017."
)

_ENTRIES = (
    Entry(
        name="mnist",
        title="MNIST",
        description="Handwritten digits of NIST employees and high-school students.",
        classes=DIGITS,
        counts=(60_000, 10_000),
        shape=(28, 28),
        license="not stated by its authors; CC BY-SA 3.0 is commonly given",
        homepage="http://yann.lecun.com/exdb/mnist/",
        citation="Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, Gradient-based learning applied to document "
        "recognition, Proceedings of the IEEE 86(11), 1998.",
        # The canonical .gz files compressed anew; `hash` is of the files that ship here.
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                "sha256:71524e2cd1ad2968737f7f2f2ff69cbfc32df8ccddff51593f7cb2d4e0eb5b64",
                9_630_610,
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                "sha256:fe03b8bd7915f70bf5aa08be480aa413fbd85afcaa58b35d230d335f284fd88e",
                28_878,
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                "sha256:5634745efa576a17e7d4cf5cd9d09123c75e6538e5114267c2d156edaf519341",
                1_602_050,
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                "sha256:ae18e77e031ccde52407f794d123116439864147d33ac992975f85dd4dc42af6",
                4_517,
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
        note="Built from NIST's Special Databases 1 and 3; ships with Tenfold, content as published.",
    ),
    Entry(
        name="fashion-mnist",
        title="Fashion-MNIST",
        description="Zalando's pictures of clothes, in MNIST's format.",
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        counts=(60_000, 10_000),
        shape=(28, 28),
        license="MIT",
        homepage="https://github.com/zalandoresearch/fashion-mnist",
        citation="H. Xiao, K. Rasul, R. Vollgraf, Fashion-MNIST: a novel image dataset for benchmarking "
        "machine learning algorithms, arXiv:1708.07747, 2017.",
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                26_421_880,
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                29_515,
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                4_422_102,
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                5_148,
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
        mirrors=_mirrors(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
    ),
    Entry(
        name="kmnist",
        title="Kuzushiji-MNIST",
        description="Ten hiragana in the cursive of old Japanese books, in MNIST's format.",
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        counts=(60_000, 10_000),
        shape=(28, 28),
        license="CC BY-SA 4.0",
        homepage="http://codh.rois.ac.jp/kmnist/",
        citation="T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha, Deep learning for "
        "classical Japanese literature, arXiv:1812.01718, 2018. doi:10.20676/00000341",
        files=(
            File(
                "train-images-idx3-ubyte.gz",
                "sha256:51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                18_165_135,
            ),
            File(
                "train-labels-idx1-ubyte.gz",
                "sha256:e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                29_497,
            ),
            File(
                "t10k-images-idx3-ubyte.gz",
                "sha256:edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                3_041_136,
            ),
            File(
                "t10k-labels-idx1-ubyte.gz",
                "sha256:20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
                5_120,
            ),
        ),
        mirrors=_mirrors(
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/", "https://codh.rois.ac.jp/kmnist/dataset/kmnist/"
        ),
    ),
    Entry(
        name="qmnist",
        title="QMNIST",
        description="MNIST rebuilt from NIST's originals, with 50,000 more test digits and each writer.",
        classes=DIGITS,
        counts=(60_000, 60_000),
        shape=(28, 28),
        license="BSD 3-Clause",
        homepage="https://github.com/facebookresearch/qmnist",
        citation="C. Yadav, L. Bottou, Cold case: the lost MNIST digits, NeurIPS 2019.",
        files=(
            File("qmnist-train-images-idx3-ubyte.gz", "md5:ed72d4157d28c017586c42bc6afe6370"),
            File("qmnist-train-labels-idx2-int.gz", "md5:0058f8dd561b90ffdd0f734c6a30e5e4"),
            File("qmnist-test-images-idx3-ubyte.gz", "md5:1394631089c404de565df7b7aeaf9412"),
            File("qmnist-test-labels-idx2-int.gz", "md5:5b5b05890a5e13444e108efe57b788aa"),
        ),
        mirrors=_mirrors(
            "https://raw.githubusercontent.com/facebookresearch/qmnist/master/",
            "https://github.com/facebookresearch/qmnist/raw/master/",
        ),
        layout="qmnist",
        note="Groups are NIST's writers. The training images, and the first 10,000 test images, are "
        "MNIST's, in MNIST's order.",
    ),
    Entry(
        name="emnist-digits",
        title="EMNIST Digits",
        description="280,000 digits of NIST Special Database 19, balanced.",
        classes=DIGITS,
        counts=(240_000, 40_000),
        shape=(28, 28),
        license="public domain (work of the United States government)",
        homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        citation=_EMNIST_CITATION,
        files=_EMNIST_DIGITS,
        mirrors=_EMNIST_MIRRORS,
        layout="emnist",
        archive=_EMNIST_ARCHIVE,
        folder="emnist",
        note="Published transposed; turned upright here.",
    ),
    Entry(
        name="emnist-letters",
        title="EMNIST Letters",
        description="Letters of NIST Special Database 19, upper and lower case as one class.",
        classes=tuple("abcdefghijklmnopqrstuvwxyz"),
        counts=(124_800, 20_800),
        shape=(28, 28),
        license="public domain (work of the United States government)",
        homepage="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        citation=_EMNIST_CITATION,
        files=_EMNIST_LETTERS,
        mirrors=_EMNIST_MIRRORS,
        layout="emnist",
        archive=_EMNIST_ARCHIVE,
        folder="emnist",
        note="Published transposed, with labels from 1; turned upright, with labels from 0 here.",
    ),
    Entry(
        name="usps",
        title="USPS",
        description="Digits from envelopes, scanned by the United States Postal Service.",
        classes=DIGITS,
        counts=(7_291, 2_007),
        shape=(16, 16),
        license="not stated",
        homepage="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        citation="J. J. Hull, A database for handwritten text recognition research, IEEE Transactions on "
        "Pattern Analysis and Machine Intelligence 16(5), 1994.",
        files=(
            File("usps.bz2", "md5:ec16c51db3855ca6c91edd34d0e9b197"),
            File("usps.t.bz2", "md5:8ea070ee2aca1ac39742fdd1ef5ed118"),
        ),
        mirrors=_mirrors(
            "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",
            "http://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/",
        ),
        layout="usps",
        note="16x16 as published; values of -1 to 1 become 0 to 255, labels of 1 to 10 become 0 to 9.",
    ),
)

CATALOG: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
"""Every data set by name."""
