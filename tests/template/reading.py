"""template.yaml as data: read with cfn-lint's loader, short forms written out, and its intrinsic functions evaluated.

Rule: `references` finds whatever a value rests on, however it is written (Ref, Fn::GetAtt, Fn::Sub); `resolve` gives
the value that CloudFormation would, from what the caller knows. Hazard: an intrinsic function not named here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from cfnlint.decode import decode  # type: ignore[import-untyped]  # cfn-lint ships no types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
FUNCTION = "AWS::Serverless::Function"
_IN_SUB = re.compile(r"\$\{([^!}][^}]*)\}")


@dataclass(frozen=True)
class Template:
    """A template: its text, and its body as dictionaries in the file's order."""

    text: str
    body: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the template at `path`, which must be YAML that CloudFormation reads."""
        body, problems = decode(str(path))
        assert problems == []
        return cls(path.read_text(), body)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Every parameter by name."""
        return cast("Mapping[str, Any]", self.body["Parameters"])

    @property
    def resources(self) -> Mapping[str, Any]:
        """Every resource by logical id; macros beside them are none."""
        return {name: one for name, one in self.body["Resources"].items() if not name.startswith("Fn::")}

    @property
    def functions(self) -> Mapping[str, Mapping[str, Any]]:
        """Each function's properties by logical id, those of Globals included."""
        shared = self.body["Globals"]["Function"]
        return {
            name: {
                **shared,
                **own,
                "Environment": {"Variables": {**_variables(shared), **_variables(own)}},
                "LoggingConfig": {**shared.get("LoggingConfig", {}), **own.get("LoggingConfig", {})},
            }
            for name, own in self.of_type(FUNCTION).items()
        }

    def layers(self, function: str) -> list[str]:
        """Return the layers of a function; those of Globals come first, and SAM adds its own to them."""
        own = self.resources[function]["Properties"].get("Layers", [])
        return [layer["Ref"] for layer in [*self.body["Globals"]["Function"]["Layers"], *own]]

    @property
    def defaults(self) -> dict[str, str]:
        """Each parameter's default, as text."""
        return {name: str(one["Default"]) for name, one in self.parameters.items() if "Default" in one}

    def of_type(self, *types: str) -> dict[str, Mapping[str, Any]]:
        """Return the properties of each resource of these types by logical id; an entry may end in `*`."""

        def matches(kind: str) -> bool:
            return any(kind == one or (one.endswith("*") and kind.startswith(one[:-1])) for one in types)

        return {name: one.get("Properties", {}) for name, one in self.resources.items() if matches(one["Type"])}


def _variables(function: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = function.get("Environment", {}).get("Variables", {})
    return found


def walk(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Yield everything inside `value` with its path, `value` itself first."""
    yield path, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from walk(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from walk(inner, (*path, position))


def reference(value: Any) -> set[str]:
    """Return the ids that this one intrinsic function names: parameters, resources, pseudo parameters."""
    if not isinstance(value, dict) or len(value) != 1:
        return set()
    [(kind, argument)] = value.items()
    match kind:
        case "Ref":
            return {str(argument)}
        case "Fn::GetAtt":
            return {_attribute(argument)[0]}
        case "Fn::Sub":
            text, own = (argument, {}) if isinstance(argument, str) else argument
            return {name.partition(".")[0] for name in _IN_SUB.findall(text) if name not in own}
        case _:
            return set()


def references(value: Any) -> set[str]:
    """Return every id that anything inside `value` names."""
    return {name for _, inner in walk(value) for name in reference(inner)}


def resolve(value: Any, known: Mapping[str, str]) -> Any:  # noqa: C901, PLR0911 - one for each function
    """Return `value` as CloudFormation would see it; `known` has `Name` for Ref, `Name.Attribute` for Fn::GetAtt.

    A condition is "true" in `known`, or does not hold, as none does in the local AWS.
    """
    if isinstance(value, list):
        return [resolve(inner, known) for inner in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(kind, argument)] = value.items()
        match kind:
            case "Ref":
                return known[argument]
            case "Fn::GetAtt":
                return known[".".join(_attribute(argument))]
            case "Fn::Select":
                index, choices = (resolve(inner, known) for inner in argument)
                return choices[int(index)]
            case "Fn::Split":
                return resolve(argument[1], known).split(argument[0])
            case "Fn::Sub":
                return _IN_SUB.sub(lambda found: known[found[1]], argument)
            case "Fn::If":
                return resolve(argument[1] if known.get(argument[0]) == "true" else argument[2], known)
            case _ if kind.startswith("Fn::"):
                raise NotImplementedError(kind)
    return {key: resolve(inner, known) for key, inner in value.items()}


def _attribute(argument: Any) -> tuple[str, str]:
    name, _, attribute = (argument if isinstance(argument, str) else ".".join(argument)).partition(".")
    return name, attribute
