"""The user's own inventory, a CSV file, joined to the devices that were seen."""

from analyzer.assets.asset_list import AssetList, Entry
from analyzer.assets.reader import read_assets

__all__ = ["AssetList", "Entry", "read_assets"]
