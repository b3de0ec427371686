//! shifted
// Divide by 2**shift, to the nearest. The sums and products stay below 2**53, where doubles are exact.
function shifted(sum, shift) {
  return Math.floor((sum + 2 ** (shift - 1)) / 2 ** shift);
}

//! settled
function settled(value, low, high) {
  return value < low ? low : value > high ? high : value;
}

//! conv
// One sum at a time; taps that lie in the padding are left out. Of each window of pool x pool results the
// largest is kept; what is left over at the edges is not computed.
function conv_$suffix(
  x, zero, inChannels, height, width, weight, bias, multiplier, shifts, kernel, stride, pad, groups,
  channels, rows, columns, pool, outZero, y,
) {
  const inGroup = inChannels / groups, outGroup = channels / groups, area = kernel * kernel;
  const pooledRows = Math.floor(rows / pool), pooledColumns = Math.floor(columns / pool);
  for (let channel = 0; channel < channels; channel++) {
    const group = Math.floor(channel / outGroup) * inGroup * height * width;
    const taps = channel * inGroup * area;
    for (let row = 0; row < pooledRows * pool; row++) {
      const cells = (channel * pooledRows + Math.floor(row / pool)) * pooledColumns;
      const top = row * stride - pad;
      const firstRow = Math.max(0, -top), endRow = Math.min(kernel, height - top);
      for (let column = 0; column < pooledColumns * pool; column++) {
        const left = column * stride - pad;
        const first = Math.max(0, -left), end = Math.min(kernel, width - left);
        let sum = bias[channel];
        for (let plane = 0; plane < inGroup; plane++) {
          for (let ky = firstRow; ky < endRow; ky++) {
            const tap = taps + plane * area + ky * kernel;
            const pixel = group + (plane * height + top + ky) * width + left;
            for (let kx = first; kx < end; kx++) sum += weight[tap + kx] * (x[pixel + kx] - zero);
          }
        }
        const product = sum * multiplier[channel];
        const value = settled(shifted(product, shifts[channel]) + outZero, $low, $high);
        const cell = cells + Math.floor(column / pool), isFirst = row % pool === 0 && column % pool === 0;
        if (isFirst || value > y[cell]) y[cell] = value;
      }
    }
  }
}

//! dense
function dense_$suffix(x, zero, features, weight, bias, multiplier, shifts, units, outZero, y) {
  for (let unit = 0, at = 0; unit < units; unit++) {
    let sum = bias[unit];
    for (let i = 0; i < features; i++) sum += weight[at++] * (x[i] - zero);
    y[unit] = settled(shifted(sum * multiplier[unit], shifts[unit]) + outZero, $low, $high);
  }
}

//! mean
function mean_$suffix(
  x, zero, channels, height, width, windowRows, windowColumns, step, rows, columns,
  multiplier, shift, outZero, y,
) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const window = (channel * height + row * step) * width + column * step;
        let sum = 0;
        for (let i = 0; i < windowRows; i++) {
          for (let j = 0; j < windowColumns; j++) sum += x[window + i * width + j] - zero;
        }
        y[at++] = settled(shifted(sum * multiplier, shift) + outZero, $low, $high);
      }
    }
  }
}

//! pixels_shifted
function pixels_shifted(pixels, channels, places, y) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let place = 0; place < places; place++) y[at++] = pixels[place * channels + channel] - 128;
  }
}

//! pixels_mapped
function pixels_mapped(pixels, channels, places, table, y) {
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let place = 0; place < places; place++) y[at++] = table[pixels[place * channels + channel]];
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

//! add
function add(a, b, count, aZero, bZero, aMultiplier, bMultiplier, shift, outZero, y) {
  for (let i = 0; i < count; i++) {
    const sum = (a[i] - aZero) * aMultiplier + (b[i] - bZero) * bMultiplier;
    y[i] = settled(shifted(sum, shift) + outZero, -128, 127);
  }
}

//! lookup
function lookup(x, count, table, y) {
  for (let i = 0; i < count; i++) y[i] = table[x[i] + 128];
}

//! softmax
function softmax(x, channels, places, powers, factor, y) {
  for (let place = 0; place < places; place++) {
    let largest = -128, sum = 0;
    for (let i = 0; i < channels; i++) largest = Math.max(largest, x[i * places + place]);
    for (let i = 0; i < channels; i++) sum += powers[largest - x[i * places + place]];
    for (let i = 0; i < channels; i++) {
      const part = (powers[largest - x[i * places + place]] * factor + Math.floor(sum / 2)) / sum;
      y[i * places + place] = Math.min(Math.floor(part), 255) - 128;
    }
  }
}

//! widen
function widen(x, count, zero, y) {
  for (let i = 0; i < count; i++) y[i] = x[i] - zero;
}
