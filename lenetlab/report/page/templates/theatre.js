"use strict";
// The theatre of a plane: the loss as ground, the runs walking on it as far as the slider says.
(() => {
  const plane = JSON.parse(document.getElementById("plane").textContent);
  const stage = document.getElementById("theatre"), slider = document.getElementById("when");
  const canvas = stage.querySelector("canvas"), pen = canvas.getContext("2d");
  const play = document.getElementById("play"), now = document.getElementById("now");
  const { x, y, loss, runs } = plane;
  const side = canvas.width, end = Math.max(...runs.flatMap((run) => run.passes));
  const logs = loss.map((row) => row.map(Math.log));
  const low = Math.min(...logs.flat(), ...runs.flatMap((run) => run.loss.map(Math.log)));
  // the start is the highest point that anybody stands on: what is above it is one shade
  const high = Math.max(...runs.map((run) => Math.log(run.loss[0])));
  const across = (value, at) => (value - at[0]) / (at[at.length - 1] - at[0]);
  const place = (px, py) => [across(px, x) * side, (1 - across(py, y)) * side];

  const ground = new OffscreenCanvas(side, side);
  const paintGround = (dark) => {
    const ink = ground.getContext("2d"), image = ink.createImageData(side, side), n = x.length - 1;
    for (let row = 0; row < side; row++) for (let column = 0; column < side; column++) {
      const u = (column / (side - 1)) * n, v = (1 - row / (side - 1)) * n;
      const i = Math.min(Math.floor(u), n - 1), j = Math.min(Math.floor(v), n - 1);
      const a = u - i, b = v - j;
      const value = (1 - b) * ((1 - a) * logs[j][i] + a * logs[j][i + 1])
        + b * ((1 - a) * logs[j + 1][i] + a * logs[j + 1][i + 1]);
      const share = Math.min(Math.max((value - low) / (high - low), 0), 1);
      const band = Math.floor(share * 16) / 16;  // steps, as contour lines show them
      const shade = dark ? 30 + 120 * band : 245 - 140 * band;
      image.data.set([shade, shade, shade + (dark ? 6 : 0), 255], 4 * (row * side + column));
    }
    ink.putImageData(image, 0, 0);
  };

  // Early passes move most: the slider is even in the square root.
  const moment = () => end * (slider.value / slider.max) ** 2;
  const at = (run, when) => {
    let k = run.passes.findLastIndex((p) => p <= when);
    k = Math.max(k, 0);
    if (k === run.passes.length - 1) return { k, x: run.x[k], y: run.y[k], loss: run.loss[k] };
    const share = (when - run.passes[k]) / (run.passes[k + 1] - run.passes[k]);
    const between = (values) => values[k] + share * (values[k + 1] - values[k]);
    return { k, x: between(run.x), y: between(run.y), loss: between(run.loss) };
  };
  const show = () => {
    const when = moment();
    pen.drawImage(ground, 0, 0);
    runs.forEach((run, i) => {
      const here = at(run, when), colour = plane.colours[i];
      pen.strokeStyle = pen.fillStyle = colour;
      pen.lineWidth = 2.5;
      pen.beginPath();
      for (let k = 0; k <= here.k; k++) pen.lineTo(...place(run.x[k], run.y[k]));
      pen.lineTo(...place(here.x, here.y));
      pen.stroke();
      pen.beginPath();
      pen.arc(...place(here.x, here.y), 7, 0, 2 * Math.PI);
      pen.fill();
      stage.querySelectorAll("td")[i].textContent = here.loss.toFixed(3);
    });
    now.textContent = `${when < 1 ? when.toPrecision(2) : when.toFixed(1)} of ${end} passes`;
  };
  const system = matchMedia("(prefers-color-scheme: dark)"), root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const paint = () => { paintGround(dark()); show(); };

  let playing = 0;
  const stop = () => { cancelAnimationFrame(playing); playing = 0; play.textContent = "Play"; };
  play.addEventListener("click", () => {
    if (playing) return stop();
    if (slider.value === slider.max) slider.value = 0;
    play.textContent = "Stop";
    const from = Number(slider.value), since = performance.now();
    const step = (time) => {
      slider.value = from + (slider.max * Math.max(time - since, 0)) / 8000;
      show();
      playing = Number(slider.value) < Number(slider.max) ? requestAnimationFrame(step) : stop();
    };
    playing = requestAnimationFrame(step);
  });
  slider.addEventListener("input", () => { if (playing) stop(); show(); });
  system.addEventListener("change", paint);
  new MutationObserver(paint).observe(root, { attributeFilter: ["data-theme"] });
  stage.hidden = false;
  paint();
})();
