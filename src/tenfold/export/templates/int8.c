//! shifted
/* Divide by 2**shift, to the nearest. C leaves open what >> does to negative numbers, so none is shifted. */
static int64_t shifted(int64_t sum, int shift)
{
    sum += (int64_t)1 << (shift - 1);
    return sum < 0 ? ~(~sum >> shift) : sum >> shift;
}

//! settled
static int32_t settled(int64_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : (int32_t)value;
}

//! conv
/*
 * Each weight times one row of pixels at a time; taps that lie in the padding are left out. Of each window of
 * pool x pool results the largest is kept; what is left over at the edges is not computed.
 */
static void conv_$suffix(const int8_t *x, int zero, int in_channels, int height, int width,
                      const int8_t *weight, const int32_t *bias, const int32_t *multiplier,
                      const uint8_t *shifts, int kernel, int stride, int pad, int groups,
                      int channels, int rows, int columns, int pool, int out_zero, $type *y)
{
    static int32_t sums[$row];
    const int in_group = in_channels / groups, out_group = channels / groups;
    const int pooled_rows = rows / pool, pooled_columns = columns / pool;
    for (int channel = 0; channel < channels; channel++) {
        const int8_t *group = x + channel / out_group * in_group * height * width;
        for (int row = 0; row < pooled_rows * pool; row++) {
            $type *cells = y + (channel * pooled_rows + row / pool) * pooled_columns;
            const int8_t *tap = weight + channel * in_group * kernel * kernel;
            for (int column = 0; column < columns; column++)
                sums[column] = bias[channel];
            for (int plane = 0; plane < in_group; plane++)
                for (int ky = 0; ky < kernel; ky++) {
                    const int line = row * stride + ky - pad;
                    if (line < 0 || line >= height) {
                        tap += kernel;
                        continue;
                    }
                    const int8_t *pixels = group + (plane * height + line) * width;
                    for (int kx = 0; kx < kernel; kx++) {
                        const int32_t factor = *tap++;
                        const int shift = kx - pad;
                        const int first = shift < 0 ? (stride - 1 - shift) / stride : 0;
                        int end = width <= shift ? 0 : (width - 1 - shift) / stride + 1;
                        if (end > columns)
                            end = columns;
                        for (int column = first; column < end; column++)
                            sums[column] += factor * (pixels[column * stride + shift] - zero);
                    }
                }
            for (int column = 0; column < pooled_columns * pool; column++) {
                const int64_t product = (int64_t)sums[column] * multiplier[channel];
                const $type value = ($type)settled(shifted(product, shifts[channel]) + out_zero, $low, $high);
                const int first = row % pool == 0 && column % pool == 0;
                if (first || value > cells[column / pool])
                    cells[column / pool] = value;
            }
        }
    }
}

//! dense
static void dense_$suffix(const int8_t *x, int zero, int features, const int8_t *weight, const int32_t *bias,
                       const int32_t *multiplier, const uint8_t *shifts, int units, int out_zero, $type *y)
{
    for (int unit = 0; unit < units; unit++) {
        int32_t sum = bias[unit];
        for (int i = 0; i < features; i++)
            sum += weight[i] * (x[i] - zero);
        weight += features;
        *y++ = ($type)settled(
            shifted((int64_t)sum * multiplier[unit], shifts[unit]) + out_zero, $low, $high);
    }
}

//! mean
static void mean_$suffix(const int8_t *x, int zero, int channels, int height, int width, int window_rows,
                      int window_columns, int step, int rows, int columns,
                      int32_t multiplier, int shift, int out_zero, $type *y)
{
    for (int channel = 0; channel < channels; channel++, x += height * width)
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                const int8_t *window = x + row * step * width + column * step;
                int32_t sum = 0;
                for (int i = 0; i < window_rows; i++)
                    for (int j = 0; j < window_columns; j++)
                        sum += window[i * width + j] - zero;
                *y++ = ($type)settled(shifted((int64_t)sum * multiplier, shift) + out_zero, $low, $high);
            }
}

//! pixels_shifted
static void pixels_shifted(const uint8_t *pixels, int channels, int places, int8_t *y)
{
    for (int channel = 0; channel < channels; channel++)
        for (int place = 0; place < places; place++)
            *y++ = (int8_t)(pixels[place * channels + channel] - 128);
}

//! pixels_mapped
static void pixels_mapped(const uint8_t *pixels, int channels, int places, const int8_t *table, int8_t *y)
{
    for (int channel = 0; channel < channels; channel++)
        for (int place = 0; place < places; place++)
            *y++ = table[pixels[place * channels + channel]];
}

//! max_pool
static void max_pool(const int8_t *x, int channels, int height, int width, int size, int step,
                     int rows, int columns, int8_t *y)
{
    for (int channel = 0; channel < channels; channel++, x += height * width)
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                const int8_t *window = x + row * step * width + column * step;
                int8_t largest = window[0];
                for (int i = 0; i < size; i++)
                    for (int j = 0; j < size; j++)
                        if (window[i * width + j] > largest)
                            largest = window[i * width + j];
                *y++ = largest;
            }
}

//! add
static void add(const int8_t *a, const int8_t *b, int count, int a_zero, int b_zero,
                int32_t a_multiplier, int32_t b_multiplier, int shift, int out_zero, int8_t *y)
{
    for (int i = 0; i < count; i++) {
        const int64_t sum = (int64_t)(a[i] - a_zero) * a_multiplier + (int64_t)(b[i] - b_zero) * b_multiplier;
        y[i] = (int8_t)settled(shifted(sum, shift) + out_zero, -128, 127);
    }
}

//! lookup
static void lookup(const int8_t *x, int count, const int8_t *table, int8_t *y)
{
    for (int i = 0; i < count; i++)
        y[i] = table[x[i] + 128];
}

//! softmax
static void softmax(const int8_t *x, int channels, int places, const uint16_t *powers, uint32_t factor, int8_t *y)
{
    for (int place = 0; place < places; place++) {
        int largest = -128;
        uint32_t sum = 0;
        for (int i = 0; i < channels; i++)
            if (x[i * places + place] > largest)
                largest = x[i * places + place];
        for (int i = 0; i < channels; i++)
            sum += powers[largest - x[i * places + place]];
        for (int i = 0; i < channels; i++) {
            const uint32_t part = (powers[largest - x[i * places + place]] * factor + sum / 2) / sum;
            y[i * places + place] = (int8_t)((part < 255 ? (int)part : 255) - 128);
        }
    }
}

//! widen
static void widen(const int8_t *x, int count, int zero, int16_t *y)
{
    for (int i = 0; i < count; i++)
        y[i] = (int16_t)(x[i] - zero);
}

//! classify
/* 2 to the power of a logit's distance from the largest one, in fractions of 32768. */
static uint32_t power(int32_t distance)
{
    const uint32_t exponent = (uint32_t)(((uint64_t)distance * ${step}u + 32768u) >> 16);
    return exponent >> 8 > 31 ? 0 : (uint32_t)powers_of_two[exponent & 255] >> (exponent >> 8);
}

int ${prefix}_classify(const uint8_t *pixels, uint16_t *probabilities)
{
    static int16_t logits[$classes];
    int label = 0;
    uint32_t sum = 0;
    ${prefix}_logits(pixels, logits);
    for (int i = 1; i < $classes; i++)
        if (logits[i] > logits[label])
            label = i;
    for (int i = 0; i < $classes; i++)
        sum += power(logits[label] - logits[i]);
    for (int i = 0; i < $classes; i++)
        probabilities[i] = (uint16_t)((power(logits[label] - logits[i]) * 65535u + sum / 2) / sum);
    return label;
}

//! main
#ifdef ${macro}_MAIN
/* For testing: raw pictures on stdin; for each a line with the label, the logits and the probabilities. */
#include <stdio.h>

int main(void)
{
    static uint8_t pixels[$pixels];
    int16_t logits[$classes];
    uint16_t probabilities[$classes];
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        ${prefix}_logits(pixels, logits);
        printf("%d", ${prefix}_classify(pixels, probabilities));
        for (int i = 0; i < $classes; i++)
            printf(" %d", logits[i]);
        for (int i = 0; i < $classes; i++)
            printf(" %u", (unsigned)probabilities[i]);
        printf("\n");
    }
    return 0;
}
#endif
