"""A model is only shown imagery that was prepared as its training data were."""

import pytest

from bocage.core.errors import DataError
from bocage.mapping.preprocessing import check_preprocessing

TRAINED = {"bands": ["B04", "B08"], "level": "L2A", "resampling": "nearest", "clear_scl": [4, 5, 6, 7]}


def test_the_same_preparation_passes_also_with_more_bands_or_another_order() -> None:
    check_preprocessing(TRAINED, TRAINED | {"bands": ("B08", "B03", "B04"), "clear_scl": (4, 5, 6, 7)})


def test_every_difference_is_named() -> None:
    found = {"bands": ["B04"], "level": "L1C", "resampling": "nearest"}
    with pytest.raises(DataError) as error:
        check_preprocessing(TRAINED, found)
    text = str(error.value)
    assert "bands: trained on B04, B08, mapping B04" in text
    assert "level: trained on L2A, mapping L1C" in text
    assert "clear_scl: trained on 4, 5, 6, 7, mapping unknown" in text
    assert "resampling" not in text
