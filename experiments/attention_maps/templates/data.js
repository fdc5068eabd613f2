// What the page is about, unpacked: stacks of layers of heads, each a Float32Array of q x k weights.
const data = JSON.parse(document.getElementById("data").textContent);
const STEPS = 32767;
const MEAN = -1;

async function unpackAll() {
  for (const stack of data.stacks) {
    stack.q = data.streams[stack.queries].length;
    stack.k = data.streams[stack.keys].length;
    for (const layer of stack.layers) {
      if (!layer.weights) continue;
      layer.maps = await unpack(layer, stack.q * stack.k);
      layer.mean = mean(layer.maps);
      delete layer.weights;
    }
  }
}

// As `unpack` in packing.py: base64, zlib, all high bytes and then all low ones.
async function unpack(layer, size) {
  const heads = layer.heads.length;
  const packed = Uint8Array.from(atob(layer.weights), (char) => char.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const planes = new Uint8Array(await new Response(stream).arrayBuffer());
  const all = new Float32Array(heads * size);
  const high = new Int8Array(planes.buffer, 0, all.length);
  for (let i = 0; i < all.length; i++) all[i] = ((256 * high[i] + planes[all.length + i]) / STEPS) * layer.scale;
  return Array.from({ length: heads }, (_, head) => all.subarray(head * size, (head + 1) * size));
}

function mean(maps) {
  const sum = new Float32Array(maps[0].length);
  for (const map of maps) map.forEach((weight, i) => (sum[i] += weight / maps.length));
  return sum;
}

const state = { stack: 0, layer: 0, head: MEAN, query: 0, key: 0, way: "from", shade: "root", zoom: 0, hover: null };

const here = () => data.stacks[state.stack];
const layerHere = () => here().layers[state.layer];
const queries = () => data.streams[here().queries];
const keys = () => data.streams[here().keys];
const mapOf = (layer, head) => (head === MEAN ? layer.mean : layer.maps[head]);
const mapHere = () => (layerHere().maps ? mapOf(layerHere(), state.head) : null);
const rowOf = (map, query) => map.subarray(query * here().k, (query + 1) * here().k);
const columnOf = (map, key) => Float32Array.from({ length: here().q }, (_, query) => map[query * here().k + key]);
const headName = (layer, head) => {
  if (head !== MEAN) return `head ${layer.heads[head]}`;
  return data.some_heads ? `mean of heads ${layer.heads.join(", ")}` : "mean of heads";
};
const digits = (weight) => (weight > 0 && weight < 0.00005 ? "< 0.0001" : weight.toFixed(4).replace("-", "\u2212"));

// Elements with text, never with markup.
function element(tag, words = "", name = "") {
  const made = document.createElement(tag);
  if (words) made.textContent = words;
  if (name) made.className = name;
  return made;
}
