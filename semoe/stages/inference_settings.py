"""How questions are answered, beside which recipe made the experts; read by plan, verbs, `main` and the answerer."""

from dataclasses import dataclass

from semoe.errors import UsageError, unknown_name
from semoe.experts.settings import Quantization, require_quantization
from semoe.generation.switching.settings import SwitchSettings

METHODS = ("none", "icl", "prag", "combine")
CONTROLS = ("own", "random")


@dataclass(frozen=True, kw_only=True, slots=True)
class InferenceSettings:
    """How questions are answered; the defaults of merge, extraction, length and quantization are the preset's.

    Raises:
        UsageError: an unknown way to answer, or settings that contradict each other.

    Example:
        >>> import semoe
        >>> semoe.InferenceSettings(inference_method="prag", switching=semoe.SwitchSettings()).folder_name
        'token-prag'
    """

    inference_method: str = "combine"
    experts: str = "own"
    """`own`, or `random`: as many experts of other questions' passages, the control of every claim."""
    merge: str | None = None
    extraction: str | None = None
    max_new_tokens: int | None = None
    quantization: Quantization | None = None
    batch_size: int = 32
    """Rows answered at once; a GPU's kernels take more."""
    seed: int = 42
    switching: SwitchSettings | None = None
    """How to retrieve while answering; None: once, with the question, before."""
    index: str = ""
    """Where such a method retrieves: retriever and index, for the record."""
    imported: bool = False
    """Whether to load experts that were imported from elsewhere, in place of those that `encode` trains."""
    snapshot: str = ""
    """The state of their space to read, or the beginning of its name; empty: as the space is."""

    def __post_init__(self) -> None:
        if self.inference_method not in METHODS:
            raise unknown_name("inference_method", self.inference_method, METHODS)
        if self.experts not in CONTROLS:
            raise unknown_name("experts", self.experts, CONTROLS)
        if self.quantization is not None:
            require_quantization(self.quantization)
        if self.switching and self.experts != "own":
            raise UsageError(
                f"The control --experts {self.experts} is for answers in one go; leave out --method.", kind="options"
            )
        if self.imported and self.switching and self.switching.missing == "train":
            raise UsageError(
                "--missing train would train among experts that were imported; leave out --imported, or train none.",
                kind="options",
            )
        if self.snapshot:
            require_fixed(self.switching, loads_experts=self.loads_experts)

    @classmethod
    def of(cls, name: str, switching: SwitchSettings | None = None) -> "InferenceSettings":
        """Returns the settings of a folder's name, with all else as the preset has it."""
        method, _, experts = name.rpartition("-")[2].partition("_")
        return cls(inference_method=method, experts=experts or "own", switching=switching)

    @property
    def num_at_once(self) -> int:
        """Questions of a part of the work, on whatever device; more than fit where rows wait for passages."""
        return self.batch_size * (4 if self.switching else 1)

    @property
    def label(self) -> str:
        """The inference method; a control has its own."""
        others = [name for name, is_so in ((self.experts, self.experts != "own"), ("imported", self.imported)) if is_so]
        return "_".join([self.inference_method, *others])

    @property
    def folder_name(self) -> str:
        """The folder of the answers, such as `combine` or `token-prag`."""
        return f"{self.switching.method}-{self.label}" if self.switching else self.label

    @property
    def shows_passages(self) -> bool:
        """Whether passages stand in the prompt."""
        return self.inference_method in ("icl", "combine")

    @property
    def loads_experts(self) -> bool:
        """Whether experts are loaded."""
        return self.inference_method in ("prag", "combine")


def require_fixed(switching: SwitchSettings | None, *, loads_experts: bool) -> None:
    """Makes sure that answers read experts, and no others than a state has.

    Raises:
        UsageError: they load none, or train those that they miss.
    """
    if not loads_experts:
        raise UsageError("--snapshot says which experts to read, and this way to answer loads none.", kind="options")
    if switching and switching.missing == "train":
        raise UsageError(
            "--missing train adds experts while it answers, and --snapshot reads those that there were. Leave out one.",
            kind="options",
        )
