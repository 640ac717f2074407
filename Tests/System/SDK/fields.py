# SPDX-License-Identifier: Apache-2.0
"""Holds answers against the SDK's models, which would take a missing field for null."""

import pydantic

# Left out on purpose: an API key is shown once, in the answer that made it.
LEFT_OUT = {"ApiKeyFields.key"}


def missing(model, answer):
    """The fields that a model has and the JSON that it was made from does not, as `Model.field`."""
    if isinstance(model, list):
        for member, part in zip(model, answer):
            yield from missing(member, part)
    if not isinstance(model, pydantic.BaseModel):
        return
    for name, field in type(model).model_fields.items():
        key = field.alias or name
        if key in answer:
            yield from missing(getattr(model, name), answer[key])
        elif f"{type(model).__name__}.{key}" not in LEFT_OUT:
            yield f"{type(model).__name__}.{key}"
