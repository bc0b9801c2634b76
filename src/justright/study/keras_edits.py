"""Changes of a model's own description by Keras, `keras.Model.to_json()`: other widths, more dropout, a penalty.

Nothing here needs Keras. Whether Keras builds what comes out is for the caller to try: layers of a user may demand anything.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from justright.study.keras_descriptions import described_objects

Nested = dict[str, Any]

DENSE = "Dense"
# Ends of class names of layers that give as many values as they take, whatever they take. The names of Keras' operations
# (`x + y`, `keras.ops.relu(x)`) are among them.
SAME_WIDTH = (
    *("Dropout", "Noise", "Activation", "Normalization", "Rescaling", "Identity", "ActivityRegularization"),
    *("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Divide"),
    *(
        "ReLU",
        "ELU",
        "Softmax",
        "Relu",
        "Relu6",
        "Elu",
        "Selu",
        "Gelu",
        "Silu",
        "Tanh",
        "Sigmoid",
        "Softplus",
        "Softsign",
    ),
)
# Those that belong to the hidden layer before them: dropout follows them.
FINISHING = (
    "Activation",
    "BatchNormalization",
    "LayerNormalization",
    "ReLU",
    "ELU",
    "Relu",
    "Elu",
    "Selu",
    "Gelu",
    "Silu",
    "Tanh",
)
# Values, in the place of classes.
PLAIN_MARKS = ("__keras_tensor__", "__tuple__", "__slice__", "__ellipsis__", "__numpy__", "__tensor__")
HISTORY = "keras_history"  # [layer, call, output]: where an input of a layer comes from


@dataclass(frozen=True, slots=True)
class Chain:
    """The layers of one model and what feeds them.

    Args:
        layers: by name, in order; the values are parts of the description and may be changed.
        sources: layer -> for each call the layers it takes its inputs from.
        outputs: the layers that give the model's output.
        widths: values per row that a layer gives, where they are known.
    """

    layers: dict[str, Nested]
    sources: dict[str, list[list[str]]]
    outputs: list[str]
    widths: dict[str, int]

    @classmethod
    def of(cls, config: Nested) -> Chain:
        """Return the layers of a sequential or functional model."""
        layers = {str(layer["config"]["name"]): layer for layer in config["layers"]}
        if "output_layers" in config:
            sources = {
                name: [list(_histories(call)) for call in layer.get("inbound_nodes", [])]
                for name, layer in layers.items()
            }
            tensors = [
                tensor for layer in layers.values() for tensor in _tensors(layer.get("inbound_nodes", []))
            ]
            widths = {str(one[HISTORY][0]): one["shape"][-1] for one in tensors if one.get("shape")}
            return cls(layers, sources, list(_names(config["output_layers"])), widths)
        names = list(layers)
        before = [[], *([[name]] for name in names[:-1])]
        return cls(layers, dict(zip(names, before, strict=True)), names[-1:], {})

    def width_makers(self, *, only_dense: bool) -> set[str]:
        """Return the layers whose width is an option, `units`."""
        return {
            name
            for name, layer in self.layers.items()
            if type(layer["config"].get("units")) is int and (layer["class_name"] == DENSE or not only_dense)
        }

    def last_makers(self, makers: set[str], *, is_stop: Callable[[str], bool]) -> set[str]:
        """Return the layers in `makers` from which the output is reached without passing another, or a stop."""
        found, left, seen = set(), list(self.outputs), set()
        while left:
            name = left.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in makers:
                found.add(name)
            elif not is_stop(name):
                left += [source for call in self.sources[name] for source in call]
        return found

    def consumers(self, name: str) -> list[str]:
        """Return the layers that take the output of `name`, once for each call."""
        return [
            other
            for other, calls in self.sources.items()
            for call in calls
            for source in call
            if source == name
        ]


def scaled(config: str, factor: float) -> tuple[str, ...]:
    """Return the description with `factor` times the units of every hidden layer, at least one.

    The output layer keeps its width, as do layers whose output must fit something of fixed width: a sum with the inputs, or
    a layer that is not known to take any width.

    Returns:
        Ways to do so, the boldest first; empty if the model cannot be described or has no hidden layer.

    Example:
        >>> layers = [
        ...     {"class_name": "Dense", "config": {"name": str(units), "units": units}} for units in (8, 4, 1)
        ... ]
        >>> (wider,) = scaled(json.dumps({"config": {"layers": layers}}), 2)
        >>> [layer["config"]["units"] for layer in json.loads(wider)["config"]["layers"]]
        [16, 8, 1]
    """

    def scale(model: Nested, *, only_dense: bool, is_strict: bool) -> bool:
        chain = Chain.of(model)
        inner = [
            scale(layer["config"], only_dense=only_dense, is_strict=is_strict)
            for layer in chain.layers.values()
            if _is_model(layer)
        ]
        names = _free_makers(chain, only_dense=only_dense, is_strict=is_strict)
        for name in names:
            options = chain.layers[name]["config"]
            options["units"] = max(1, round(options["units"] * factor))
        return bool(names) or any(inner)

    ways = ((False, False), (True, False), (True, True))
    edited = [
        _edited(config, partial(scale, only_dense=only_dense, is_strict=is_strict))
        for only_dense, is_strict in ways
    ]
    unchanged = _edited(config, lambda _: True)
    return tuple(dict.fromkeys(one for one in edited if one and one != unchanged))


def with_dropout(config: str, share: float) -> str | None:
    """Return the description with dropout of `share` after each hidden layer; dropout that is there drops `share` more.

    It follows the activation and normalisation of its layer.

    Returns:
        None if the model cannot be described or has no hidden layer.

    Example:
        >>> layers = [
        ...     {"class_name": "Dense", "config": {"name": str(units), "units": units}} for units in (8, 1)
        ... ]
        >>> made = json.loads(with_dropout(json.dumps({"config": {"layers": layers}}), 0.3))
        >>> (
        ...     [layer["class_name"] for layer in made["config"]["layers"]],
        ...     made["config"]["layers"][1]["config"]["rate"],
        ... )
        (['Dense', 'Dropout', 'Dense'], 0.3)
    """
    return _edited(config, lambda model: _add_dropout(model, share))


def with_l2(config: str, factor: float) -> str | None:
    """Return the description with an L2 penalty on the kernels of its last dense layers; None if there are none."""

    def penalise(model: Nested) -> bool:
        chain = Chain.of(model)
        makers = chain.last_makers(chain.width_makers(only_dense=True), is_stop=lambda _: False)
        for name in makers:
            chain.layers[name]["config"]["kernel_regularizer"] = {
                "module": "keras.regularizers",
                "class_name": "L2",
                "config": {"l2": factor},
                "registered_name": None,
            }
        return bool(makers)

    return _edited(config, penalise)


def is_plain(config: str) -> bool:
    """Return whether a description names nothing but Keras' own classes, so that any process can build it.

    Example:
        >>> (
        ...     is_plain('{"module": "keras", "class_name": "Sequential"}'),
        ...     is_plain('{"module": null, "class_name": "Mine"}'),
        ... )
        (True, False)
    """
    return all(
        str(one.get("module")).split(".")[0] == "keras" or one["class_name"] in PLAIN_MARKS
        for one in described_objects(json.loads(config))
    )


def has_dropout(config: str) -> bool:
    """Return whether any layer of a description is a dropout layer.

    Example:
        >>> has_dropout(
        ...     '{"config": {"layers": [{"class_name": "Dropout", "config": {"name": "a", "rate": 0.1}}]}}'
        ... )
        True
    """
    return (
        "Dropout" in config
        and _edited(config, lambda model: any(map(_drops, _all_layers(model)))) is not None
    )


def _edited(config: str, edit: Callable[[Nested], bool]) -> str | None:
    """Return a description after `edit` changed its model's layers; None if it did not, or there are none."""
    try:
        described = json.loads(config)
        if not _is_model(described) or not edit(described["config"]):
            return None
        for layer in (described, *_all_layers(described["config"])):
            layer.pop("build_config", None)  # the shapes before the change
    except (ValueError, LookupError, TypeError, AttributeError):  # not as Keras writes its own models
        return None
    return json.dumps(described)


def _free_makers(chain: Chain, *, only_dense: bool, is_strict: bool) -> list[str]:
    """Return the hidden layers whose width may change, together.

    Layers whose widths must agree form a set. It keeps its width if an input, an output layer or a model among the layers is in
    it, or feeds such a model.

    Args:
        chain: the model.
        only_dense: whether only Keras' dense layers are changed, not a user's layers with an option `units`.
        is_strict: whether layers of unknown kind also need, and give, the width that they have.
    """
    makers = chain.width_makers(only_dense=only_dense)
    unknown = {name for name in chain.layers if name not in makers and not _keeps_width(chain.layers[name])}
    fixed = chain.last_makers(makers, is_stop=lambda name: name in unknown and not is_strict)
    sets = _Sets()
    for name, layer in chain.layers.items():
        calls = chain.sources[name]
        given = {source for call in calls for source in call}
        if name in unknown:
            fixed |= {name} if is_strict or _is_input(layer) or _is_model(layer) else set()
            fixed |= given if is_strict or _is_model(layer) else set()
        elif name in makers:
            for places in zip(*calls, strict=False):  # a layer that is called twice has one kernel
                sets.join(places)
        else:
            # A single value, such as a gate, is spread over all others.
            single = {source for source in given if chain.widths.get(source) == 1}
            spread = single if len(single) < len(given) else set()
            fixed |= spread
            sets.join([name, *sorted(given - spread)])
    kept = {sets.find(name) for name in fixed}
    return [name for name in chain.layers if name in makers and sets.find(name) not in kept]


class _Sets:
    """Disjoint sets of names."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def find(self, name: str) -> str:
        """Return the name that stands for the set of `name`."""
        while (parent := self._parents.get(name, name)) != name:
            name = parent
        return name

    def join(self, names: Sequence[str]) -> None:
        """Make one set of those of all `names`."""
        for other in names[1:]:
            self._parents[self.find(other)] = self.find(names[0])


def _add_dropout(model: Nested, share: float) -> bool:
    chain = Chain.of(model)
    makers = chain.width_makers(only_dense=False)
    unknown = {name for name in chain.layers if not _keeps_width(chain.layers[name])}
    last = chain.last_makers(makers, is_stop=lambda name: name in unknown - makers)
    done = [_add_dropout(layer["config"], share) for layer in chain.layers.values() if _is_model(layer)]
    raised: set[str] = set()
    for name in [name for name in chain.layers if name in makers - last]:
        if chain.layers[name]["config"]["units"] == 1:  # a gate, say: to drop it is to drop all
            continue
        end, after = name, chain.consumers(name)
        while len(after) == 1 and _ends_with(chain.layers[after[0]], FINISHING):
            end, after = after[0], chain.consumers(after[0])
        if len(after) == 1 and _drops(chain.layers[after[0]]):
            if after[0] not in raised:
                options = chain.layers[after[0]]["config"]
                options["rate"] = round(1 - (1 - options["rate"]) * (1 - share), 6)
                raised.add(after[0])
        else:
            _insert_dropout(model, chain, end, share)
            chain = Chain.of(model)
        done.append(True)
    return any(done)


def _insert_dropout(model: Nested, chain: Chain, after: str, share: float) -> None:
    """Insert a dropout layer between the layer `after` and all that take its output."""
    number = 1
    while (name := f"more_dropout_{number}") in chain.layers:
        number += 1
    layer: Nested = {
        "module": "keras.layers",
        "class_name": "Dropout",
        "config": {"name": name, "rate": share},
        "registered_name": None,
    }
    layers = model["layers"]
    if "output_layers" in model:
        taken = [tensor for other in layers for tensor in _tensors(other.get("inbound_nodes", []))]
        taken = [tensor for tensor in taken if tensor[HISTORY][0] == after]
        calls = {tensor[HISTORY][1]: copy.deepcopy(tensor) for tensor in taken}
        layer |= {"name": name, "inbound_nodes": [_call_on(calls[call]) for call in sorted(calls)]}
        for tensor in taken:
            tensor[HISTORY][0] = name
    layers.insert(list(chain.layers).index(after) + 1, layer)


def _call_on(tensor: Nested) -> Nested:
    """Return the description of a layer's call on one tensor."""
    return {"args": [{"class_name": "__keras_tensor__", "config": tensor}], "kwargs": {}}


def _all_layers(model: Nested) -> Iterator[Nested]:
    """Yield the layers of a model, and of the models among them."""
    for layer in model["layers"]:
        yield layer
        if _is_model(layer):
            yield from _all_layers(layer["config"])


def _is_model(layer: Nested) -> bool:
    return isinstance(layer["config"].get("layers"), list)


def _is_input(layer: Nested) -> bool:
    return layer.get("class_name") == "InputLayer"


def _keeps_width(layer: Nested) -> bool:
    return _ends_with(layer, SAME_WIDTH) and not _is_model(layer)


def _ends_with(layer: Nested, endings: tuple[str, ...]) -> bool:
    return str(layer["class_name"]).endswith(endings)


def _drops(layer: Nested) -> bool:
    return _ends_with(layer, ("Dropout",)) and isinstance(layer["config"].get("rate"), int | float)


def _histories(nested: object) -> Iterator[str]:
    for tensor in _tensors(nested):
        yield str(tensor[HISTORY][0])


def _tensors(nested: object) -> Iterator[Nested]:
    """Yield the descriptions of a layer's inputs, at any depth; they may be changed."""
    if isinstance(nested, list):
        for each in nested:
            yield from _tensors(each)
    elif isinstance(nested, dict):
        if HISTORY in nested:
            yield nested
        for each in nested.values():
            yield from _tensors(each)


def _names(places: list[Any]) -> Iterator[str]:
    """Yield the layers of places such as ['dense', 0, 0], or of lists of them."""
    if places and isinstance(places[0], str):
        yield places[0]
    else:
        for each in places:
            yield from _names(each)
