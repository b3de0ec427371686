//! conv
// One sum at a time; taps that lie in the padding are left out.
function conv(
  x, inChannels, height, width, weight, bias, kernel, stride, pad, groups, channels, rows, columns, y,
) {
  const inGroup = inChannels / groups, outGroup = channels / groups, area = kernel * kernel;
  for (let channel = 0, at = 0; channel < channels; channel++) {
    const group = Math.floor(channel / outGroup) * inGroup * height * width;
    const taps = channel * inGroup * area;
    for (let row = 0; row < rows; row++) {
      const top = row * stride - pad;
      const firstRow = Math.max(0, -top), endRow = Math.min(kernel, height - top);
      for (let column = 0; column < columns; column++) {
        const left = column * stride - pad;
        const first = Math.max(0, -left), end = Math.min(kernel, width - left);
        let sum = bias[channel];
        for (let plane = 0; plane < inGroup; plane++) {
          for (let ky = firstRow; ky < endRow; ky++) {
            const tap = taps + plane * area + ky * kernel;
            const pixel = group + (plane * height + top + ky) * width + left;
            for (let kx = first; kx < end; kx++) sum += weight[tap + kx] * x[pixel + kx];
          }
        }
        y[at++] = sum;
      }
    }
  }
}

//! dense
function dense(x, features, weight, bias, units, y) {
  for (let unit = 0, at = 0; unit < units; unit++) {
    let sum = bias[unit];
    for (let i = 0; i < features; i++) sum += weight[at++] * x[i];
    y[unit] = sum;
  }
}

//! normalize
function normalize(pixels, channels, places, scale, offset, y) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let place = 0; place < places; place++) y[at++] = pixels[place * channels + channel] * scale + offset;
  }
}

//! affine
function affine(x, channels, places, scale, offset, y) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let place = 0; place < places; place++, at++) y[at] = x[at] * scale[channel] + offset[channel];
  }
}

//! max_pool
function max_pool(x, channels, height, width, size, step, rows, columns, y) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const window = (channel * height + row * step) * width + column * step;
        let largest = x[window];
        for (let i = 0; i < size; i++) {
          for (let j = 0; j < size; j++) largest = Math.max(largest, x[window + i * width + j]);
        }
        y[at++] = largest;
      }
    }
  }
}

//! mean
function mean(x, channels, height, width, windowRows, windowColumns, step, rows, columns, y) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const window = (channel * height + row * step) * width + column * step;
        let sum = 0;
        for (let i = 0; i < windowRows; i++) {
          for (let j = 0; j < windowColumns; j++) sum += x[window + i * width + j];
        }
        y[at++] = sum / (windowRows * windowColumns);
      }
    }
  }
}

//! add
function add(a, b, count, y) {
  for (let i = 0; i < count; i++) y[i] = a[i] + b[i];
}

//! relu
function relu(x, count, y) {
  for (let i = 0; i < count; i++) y[i] = Math.max(x[i], 0);
}

//! leaky_relu
function leaky_relu(x, count, slope, y) {
  for (let i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : x[i] * slope;
}

//! sigmoid
function sigmoid(x, count, y) {
  for (let i = 0; i < count; i++) y[i] = 1 / (1 + Math.exp(-x[i]));
}

//! hyperbolic_tangent
function hyperbolic_tangent(x, count, y) {
  for (let i = 0; i < count; i++) y[i] = Math.tanh(x[i]);
}

//! gelu
// The error function: a series of positive terms (Abramowitz and Stegun, 7.1.6); beyond 4 float32 has no more.
function erf(x) {
  if (Math.abs(x) > 4) return Math.sign(x);
  let term = x, sum = x;
  for (let n = 1; Math.abs(term) > 1e-10 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

function gelu(x, count, y) {
  for (let i = 0; i < count; i++) y[i] = x[i] * (0.5 + 0.5 * erf(x[i] * Math.SQRT1_2));
}

//! softmax
function softmax(x, channels, places, inverse, y) {
  for (let place = 0; place < places; place++) {
    let largest = -Infinity, sum = 0;
    for (let i = 0; i < channels; i++) largest = Math.max(largest, x[i * places + place]);
    for (let i = 0; i < channels; i++) {
      const power = Math.exp((x[i * places + place] - largest) * inverse);
      y[i * places + place] = power;
      sum += power;
    }
    for (let i = 0; i < channels; i++) y[i * places + place] /= sum;
  }
}

//! copy
function copy(x, count, y) {
  for (let i = 0; i < count; i++) y[i] = x[i];
}
