"""Families of networks: named, plain descriptions that build themselves with Keras when called.

A new family is a class like `Mlp`, and an entry in `FAMILIES` or a plug-in's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from justright.data.checks import check_amount, check_share, check_switch, is_finite_number, is_whole
from justright.errors import InputError, check_each_of, check_one_of, raise_together
from justright.plugins import plugged_in

if TYPE_CHECKING:
    import keras

FamilyT = TypeVar("FamilyT", bound="Family")

# The name of the layer that standardises inputs; `training` leaves 0/1 features unscaled in a layer of this name.
STANDARDIZATION = "standardization"
MAX_UNITS = 65_536  # more is a typing error: the kernel between two such layers takes 16 GiB
MAX_LAYERS = 1_000


@dataclass(frozen=True, slots=True)
class Family:
    """Base of every family: a frozen dataclass whose fields are the options of a network, all of them plain values.

    Attributes:
        family: its name in study files.
        example: the options that every member must have, as a study file gives them.
    """

    family: ClassVar[str]
    example: ClassVar[str]

    def __call__(self, features: int, outputs: int) -> keras.Model:
        """Return the untrained Keras model for rows of `features` values and `outputs` outputs."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain values for TOML, defaults left out."""
        options = [(one, getattr(self, one.name)) for one in fields(self)]
        return {"family": self.family} | {
            one.name: list(value) if isinstance(value, tuple) else value
            for one, value in options
            if one.default is MISSING or value != one.default
        }


@dataclass(frozen=True, slots=True)
class Mlp(Family):
    """A multilayer perceptron: dense hidden layers, then one linear layer of logits (or of the prediction).

    Penalties act on the kernels of the hidden layers, as in the tutorial, and on the only kernel of a linear model; dropout
    acts after each hidden layer. Inputs are standardised before noise is added to them.

    Args:
        units: width of each hidden layer, from the input on; empty for a linear model.
        activation: a Keras activation name.
        l1: factor of the summed absolute kernel weights added to the loss.
        l2: factor of the summed squared kernel weights added to the loss.
        dropout: share of hidden units zeroed in training, in [0, 1).
        batch_normalization: whether each hidden layer is normalised before its activation.
        input_noise: standard deviation of the Gaussian noise added to each input in training, in the inputs' units
            (in standard deviations of the training rows with `standardize`).
        standardize: whether inputs are brought to mean 0 and variance 1 by a `keras.layers.Normalization` that the
            engine adapts to each run's own training rows. None: a study does so where the table needs it, for a numeric
            target and for columns with a mean or spread above 10.
        soft_limit: largest size of an input, in standard deviations of the training rows: a standardised input x enters as
            `c tanh(x / c)`, which hardly changes small ones. 0 is off; any other value also standardises.
        output_scale: factor of the last layer's output. With it or an offset the network has units of its own, and a study
            does not bring its predictions into those of a numeric target.
        output_offset: what is added then.

    Raises:
        InputError: a width, penalty or share is out of range.
    """

    family = "mlp"
    example = "units = [64, 64]"

    units: tuple[int, ...]
    activation: str = "elu"
    l1: float = 0.0
    l2: float = 0.0
    dropout: float = 0.0
    batch_normalization: bool = False
    input_noise: float = 0.0
    standardize: bool | None = None
    soft_limit: float = 0.0
    output_scale: float = 1.0
    output_offset: float = 0.0

    def __post_init__(self) -> None:
        raise_together(
            self._check_units,
            *(
                partial(check_amount, name, getattr(self, name))
                for name in ("l1", "l2", "input_noise", "soft_limit")
            ),
            partial(check_share, "dropout", self.dropout),
            self._check_activation,
            self._check_output_units,
            partial(check_switch, "batch_normalization", self.batch_normalization),
            *([] if self.standardize is None else [partial(check_switch, "standardize", self.standardize)]),
        )
        object.__setattr__(self, "units", tuple(self.units))

    def _check_units(self) -> None:
        if not isinstance(self.units, list | tuple):
            raise InputError(
                f"`units` must be a list of whole numbers; got {self.units!r}. Write units = [64, 64]."
            )
        if len(self.units) > MAX_LAYERS:
            raise InputError(f"`units` must name at most {MAX_LAYERS} layers; got {len(self.units)}.")
        wrong = [width for width in self.units if not is_whole(width, least=1) or width > MAX_UNITS]
        if wrong:
            got = ", ".join(map(repr, wrong))
            raise InputError(f"`units` must be whole numbers in 1..{MAX_UNITS}; got {got}.")

    def _check_activation(self) -> None:
        if not isinstance(self.activation, str):
            raise InputError(f"`activation` must be the name of a Keras activation; got {self.activation!r}.")

    def _check_output_units(self) -> None:
        if not is_finite_number(self.output_scale) or self.output_scale <= 0:
            raise InputError(f"`output_scale` must be a finite number above 0; got {self.output_scale!r}.")
        if not is_finite_number(self.output_offset):
            raise InputError(f"`output_offset` must be a finite number; got {self.output_offset!r}.")

    def __call__(self, features: int, outputs: int) -> keras.Model:
        """Return the untrained Keras model for rows of `features` values and `outputs` outputs."""
        import keras

        model = keras.Sequential([keras.Input((features,))])
        if self._is_standardized:
            model.add(keras.layers.Normalization(name=STANDARDIZATION))
        for layer in self._layers(outputs):
            model.add(layer)
        return model

    @property
    def _is_standardized(self) -> bool:
        return bool(self.standardize) or self.soft_limit > 0

    def _layers(self, outputs: int) -> Iterator[Any]:
        """Yield the Keras layers that follow the (standardised) inputs, each made when it is asked for."""
        import keras

        if self.soft_limit:
            yield keras.layers.Rescaling(1 / self.soft_limit)
            yield keras.layers.Activation("tanh")
            yield keras.layers.Rescaling(self.soft_limit)
        if self.input_noise:
            yield keras.layers.GaussianNoise(self.input_noise)
        for width in self.units:
            yield from self._hidden(width)
        yield keras.layers.Dense(outputs, kernel_regularizer=None if self.units else self._penalty)
        if (self.output_scale, self.output_offset) != (1.0, 0.0):
            yield keras.layers.Rescaling(self.output_scale, self.output_offset)

    @property
    def _penalty(self) -> Any:
        """Return a new Keras regularizer; None without a penalty."""
        import keras

        return keras.regularizers.L1L2(l1=self.l1, l2=self.l2) if self.l1 or self.l2 else None

    def _hidden(self, width: int) -> list[Any]:
        """Return the Keras layers that make one hidden layer."""
        import keras

        dense = keras.layers.Dense(width, kernel_regularizer=self._penalty)
        layers: list[Any] = [dense]
        if self.batch_normalization:
            layers += [keras.layers.BatchNormalization(), keras.layers.Activation(self.activation)]
        else:
            dense.activation = keras.activations.get(self.activation)
        if self.dropout:
            layers.append(keras.layers.Dropout(self.dropout))
        return layers


def mlp(*units: int, width: int | None = None, depth: int | None = None, **options: Any) -> Mlp:
    """Return a multilayer perceptron with hidden layers of the given widths.

    Args:
        units: width of each hidden layer.
        width: of all hidden layers, in place of `units`.
        depth: how many hidden layers of that width; 1 unless given.
        options: `activation`, `l1`, `l2`, `dropout`, `batch_normalization`, `input_noise`, `standardize`,
            `soft_limit`, `output_scale`, `output_offset`, as in `Mlp`.

    Raises:
        InputError: an option is unknown or out of range.

    Example:
        >>> mlp(512, 512, l2=0.001) == Mlp(units=(512, 512), activation="elu", l2=0.001)
        True
        >>> mlp(width=512, depth=2) == mlp(512, 512)
        True
    """
    if width is not None or depth is not None:
        _check_alone(units or options.get("units"), width, depth)
        units = (cast("int", width),) * (1 if depth is None else depth)
    return _member(Mlp, {"units": units, **options})


def _check_alone(units: object, width: object, depth: object) -> None:
    """Raise InputError unless `width` and `depth` can take the place of `units`."""
    if units or width is None:
        raise InputError(
            f"Hidden layers must be given by their `units`, or by a `width` and perhaps a `depth`; got units {units!r}, "
            f"width {width!r} and depth {depth!r}. Write mlp(64, 64) or mlp(width=64, depth=2)."
        )
    if depth is not None and (not is_whole(depth, least=0) or cast("int", depth) > MAX_LAYERS):
        raise InputError(f"`depth` must be a whole number in 0..{MAX_LAYERS}; got {depth!r}.")


def family_from_dict(values: Mapping[str, Any]) -> Family:
    """Return the family member that `to_dict` described.

    Raises:
        InputError: the family or an option is unknown or out of range, or an option is missing.

    Example:
        >>> family_from_dict({"family": "mlp", "units": [16]}) == mlp(16)
        True
    """
    options = dict(values)
    name, known = options.pop("family", None), families()
    check_one_of("family", name, tuple(known))
    return _member(known[name], options)


def families() -> dict[str, type[Family]]:
    """Return every family by its name in study files, those of plug-ins last."""
    return {family.family: family for family in (*FAMILIES, *plugged_in("families"))}


def _member(family: type[FamilyT], options: Mapping[str, Any]) -> FamilyT:
    check_each_of("option of a family", options, [one.name for one in fields(family)])
    for one in fields(family):
        if one.default is MISSING and one.name not in options:
            raise InputError(
                f"A family must name its `{one.name}`; got none. Give for instance {family.example}."
            )
    return family(**options)


FAMILIES: tuple[type[Family], ...] = (Mlp,)
