#!/usr/bin/env bash
# A source distribution of hatchling lacks a folder that a link elsewhere in the tree points to, and holds the link's side.
#
# Versions: hatchling 1.27.0; Python 3.11.
#
# Behaviour: a Helm chart reads files only from its own folder, so a chart that ships what another folder generates holds a
# link: helm/chart/workflows -> ../../manifests. Hatchling follows links while it walks the tree, in order of names, and
# passes over a folder that it has seen. The first path wins: the sdist has helm/chart/workflows/a.yaml, a plain file, and
# no manifests/ at all. Where the link's path comes after the folder's (zhelm/chart/workflows), it is the other way round:
# the folder is there, and the chart has nothing.
#
# Why it surprises: nothing is said, the build succeeds, and which of the two is lost depends on the alphabet. An archive of
# git keeps both, the folder and the link.
# The way out: name the folder in `force-include` of the sdist, and compare the archive's list of files in a test.
#
# Seen:
#   link sorts before the folder: helm/chart/workflows/a.yaml
#   link sorts after the folder: manifests/a.yaml
#   with force-include: helm/chart/workflows/a.yaml manifests/a.yaml
#
# Exits with 0 if all this is still so.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'hatchling==1.27.0'

# Makes a project whose folder `manifests` has a link at $2; builds its sdist, and prints the paths that a.yaml has in it.
paths_of() {
    local project=$folder/$1 link=$2 more=${3:-}
    mkdir -p "$project/manifests" "$project/thing" "$project/$(dirname "$link")"
    echo 'kind: Thing' > "$project/manifests/a.yaml"
    echo '__version__ = "1"' > "$project/thing/__init__.py"
    ln -s ../../manifests "$project/$link"
    printf '%s\n' '[build-system]' 'requires = ["hatchling"]' 'build-backend = "hatchling.build"' '[project]' \
        'name = "thing"' 'version = "1"' "$more" > "$project/pyproject.toml"
    (cd "$project" && "$folder/venv/bin/python" -m hatchling build --target sdist > /dev/null 2>&1)
    tar -tzf "$project"/dist/thing-1.tar.gz | sed -n 's|^thing-1/\(.*a\.yaml\)$|\1|p' | sort | paste -sd' '
}

before=$(paths_of before helm/chart/workflows)
after=$(paths_of after zhelm/chart/workflows)
both=$(paths_of both helm/chart/workflows '[tool.hatch.build.targets.sdist.force-include]
"manifests" = "manifests"')
echo "link sorts before the folder: $before"
echo "link sorts after the folder: $after"
echo "with force-include: $both"

[ "$before" = helm/chart/workflows/a.yaml ]
[ "$after" = manifests/a.yaml ]
[ "$both" = "helm/chart/workflows/a.yaml manifests/a.yaml" ]
