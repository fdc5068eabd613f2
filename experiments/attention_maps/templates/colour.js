// Weights to colours: a ramp from the style sheet, so that light and dark each have their own.
const HIDDEN = 256;
const BELOW = HIDDEN + 1;
// Colours as [r, g, b]: 256 for weights, one for what is not visible, 256 for weights below 0. The same as whole pixels.
let ramp = [];
let pixels = new Uint32Array();

function readColours() {
  const style = getComputedStyle(document.documentElement);
  const parse = (hex) => [1, 3, 5].map((at) => parseInt(hex.trim().slice(at, at + 2), 16));
  const colours = (name) => style.getPropertyValue(name).split(",").map(parse);
  ramp = [...blend(colours("--ramp")), ...colours("--void"), ...blend(colours("--below"))];
  pixels = new Uint32Array(new Uint8Array(ramp.flatMap((rgb) => [...rgb, 255])).buffer);
}

// 256 colours from the first stop to the last.
function blend(stops) {
  return Array.from({ length: 256 }, (_, i) => {
    const place = (i / 255) * (stops.length - 1);
    const low = Math.min(Math.floor(place), stops.length - 2);
    return stops[low].map((value, c) => Math.round(value + (stops[low + 1][c] - value) * (place - low)));
  });
}

// Whether roots of weights are shown, which brings out small ones; and what the darkest colour stands for.
const SHADES = {
  root: { rooted: true, top: () => 1 },
  weight: { rooted: false, top: () => 1 },
  map: { rooted: true, top: (map) => largestOf(map) },
  row: { rooted: false, top: (map, row) => largestOf(row) },
};

// The place of a weight's colour in the ramp.
function colour(weight, top, rooted) {
  if (weight === 0) return HIDDEN;
  const share = Math.min(1, Math.abs(weight) / top);
  return (weight > 0 ? 0 : BELOW) + Math.round(255 * (rooted ? Math.sqrt(share) : share));
}

const css = (place) => `rgb(${ramp[place].join(" ")})`;
const largestOf = (weights) => weights.reduce((most, weight) => Math.max(most, Math.abs(weight)), 0);

// One pixel a weight; the style sheet makes it as large as it is wanted.
function paint(canvas, map, width) {
  const height = map.length / width;
  canvas.width = width;
  canvas.height = height;
  const image = new ImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  const { rooted, top } = SHADES[state.shade];
  const common = state.shade === "row" ? 0 : top(map);
  for (let row = 0; row < height; row++) {
    const largest = common || top(map, map.subarray(row * width, (row + 1) * width));
    for (let i = row * width; i < (row + 1) * width; i++) out[i] = pixels[colour(map[i], largest, rooted)];
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function paintScale() {
  const canvas = document.getElementById("ramp");
  const image = new ImageData(128, 1);
  const { rooted, top } = SHADES[state.shade];
  const out = new Uint32Array(image.data.buffer);
  for (let i = 0; i < 128; i++) out[i] = pixels[colour((i + 1) / 128, 1, rooted)];
  canvas.getContext("2d").putImageData(image, 0, 0);
  const map = mapHere();
  document.querySelector(".scale").hidden = !map;
  const words = state.shade === "row" ? "row's largest" : map ? top(map).toFixed(2).replace("1.00", "1") : "";
  document.getElementById("high").textContent = words;
}
