"""What MkDocs calls while it builds: the method pages enter the site without being files."""

from method_pages import pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages made from the registry."""
    for name, content in pages().items():
        files.append(File.generated(config, f"methods/{name}", content=content))
    return files
