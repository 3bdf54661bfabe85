#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""browser.py REPORT.html ARTEFACTS: opens the report in headless Chromium at 400 and 1400 pixels.

The page itself must leave no line on the console. A copy with a script added (the page forbids scripts) says what
the browser made of it: every image decoded, nothing wider than the window but what scrolls in a box of its own, no text
below a readable size, every table with its caption. Screenshots stay in ARTEFACTS.
"""
import json, os, re, subprocess, sys, tempfile

page, artefacts = os.path.abspath(sys.argv[1]), sys.argv[2]
os.makedirs(artefacts, exist_ok=True)
PROBE = """<script>
addEventListener('load', () => {
  const wide = [...document.body.querySelectorAll('*')].filter(e =>
      !e.closest('.box,figure div,pre,.skip') && e.getBoundingClientRect().right > innerWidth + 1);
  const text = [...document.querySelectorAll('td,th,p,li,figcaption,caption')];
  parent.postMessage(JSON.stringify({
    width: innerWidth, height: document.documentElement.scrollHeight,
    images: document.images.length, figures: document.querySelectorAll('figure').length,
    decoded: [...document.images].filter(i => i.complete && i.naturalWidth > 100 && i.naturalHeight > 100).length,
    tables: document.querySelectorAll('table').length,
    captions: document.querySelectorAll('table > caption').length,
    boxes: document.querySelectorAll('.box[tabindex="0"][aria-label]').length,
    scopes: [...document.querySelectorAll('thead th')].filter(t => t.scope !== 'col').length,
    scripts: document.scripts.length, wide: wide.map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 40)),
    smallest: Math.min(...text.map(e => parseFloat(getComputedStyle(e).fontSize)))}), '*');
});
</script></body>"""


def chromium(profile, *args):
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
               "--disable-default-apps", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND",
               "--user-data-dir=" + profile, "--enable-logging=stderr", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


# A window is at least 500 pixels wide; a frame may be narrower.
FRAME = """<!DOCTYPE html><body style="margin:0"><iframe src="%s" style="width:%dpx;height:%dpx;border:0"></iframe>
<script>addEventListener('message', m => { document.body.textContent = 'PROBE' + m.data + 'EBORP'; });</script>"""


def frame(profile, source, width, height):
    path = os.path.join(profile, "frame.html")
    open(path, "w").write(FRAME % ("file://" + source, width, height))
    return "file://" + path


def probe(profile, width):
    source = open(page).read()
    source = re.sub(r"<meta http-equiv=Content-Security-Policy[^>]*>", "", source)
    assert source.count("</body>") == 1
    path = os.path.join(profile, "probe.html")
    open(path, "w").write(source.replace("</body>", PROBE))
    done = chromium(profile, "--window-size=1400,1000", "--dump-dom", "--virtual-time-budget=20000",
                    frame(profile, path, width, 1000))
    found = re.search(r"PROBE(\{.*\})EBORP", done.stdout, re.S)
    assert found, "the page did not load: " + done.stderr[-500:]
    return json.loads(found[1].replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&"))


with tempfile.TemporaryDirectory() as profile:
    for width in (400, 1400):
        seen = probe(profile, width)
        assert seen["width"] == width, seen
        assert seen["images"] == seen["figures"] == seen["decoded"] > 0, seen
        assert seen["tables"] == seen["captions"] == seen["boxes"] > 0, seen
        assert seen["scopes"] == 0 and seen["smallest"] >= 12 and seen["scripts"] == 1, seen
        assert not seen["wide"], seen["wide"]
        shot = os.path.join(artefacts, "report-%d.png" % width)
        height = min(seen["height"], 16000)
        done = chromium(profile, "--window-size=%d,%d" % (max(width, 500), height),
                        "--screenshot=" + os.path.abspath(shot), frame(profile, page, width, height))
        console = [l for l in done.stderr.splitlines() if "CONSOLE" in l]
        assert not console, console
        assert os.path.getsize(shot) > 20000, shot
        print("%d pixels: %d figures, %d tables, %d pixels high: %s" % (width, seen["figures"], seen["tables"],
                                                                      seen["height"], shot))
