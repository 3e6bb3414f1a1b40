"""The official API description of OpenADR 3.1, as a check of what is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

DESCRIPTION = Path(__file__).parents[3] / "shared/data/openadr3_examples/openadr3_3.1_openapi.yaml"


def check(name: str, body: Any) -> None:
    """Raises where a body is not what the official schema of this name says; skips the test where
    the description is missing.
    """
    if not DESCRIPTION.is_file():
        pytest.skip("no ../shared/data/openadr3_examples")
    document = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    registry = Registry().with_resource(
        "urn:openadr", Resource.from_contents(document, default_specification=DRAFT202012)
    )
    schema = {"$ref": f"urn:openadr#/components/schemas/{name}"}
    OAS30Validator(schema, registry=registry).validate(body)
