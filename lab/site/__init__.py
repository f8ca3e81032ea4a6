"""The site: logs and runs as pages that open from a folder, without a server or a network.

site = lab.site.build()
print(site.index, site.pages)
"""

from lab.site.building import Site, build

__all__ = ["Site", "build"]
