//! conv
/* Each weight times one row of pixels at a time; taps that lie in the padding are left out. */
static void conv(const float *x, int in_channels, int height, int width,
                 const float *weight, const float *bias, int kernel, int stride, int pad, int groups,
                 int channels, int rows, int columns, float *y)
{
    const int in_group = in_channels / groups, out_group = channels / groups;
    for (int channel = 0; channel < channels; channel++) {
        const float *group = x + channel / out_group * in_group * height * width;
        for (int row = 0; row < rows; row++) {
            float *sums = y + (channel * rows + row) * columns;
            const float *tap = weight + channel * in_group * kernel * kernel;
            for (int column = 0; column < columns; column++)
                sums[column] = bias[channel];
            for (int plane = 0; plane < in_group; plane++)
                for (int ky = 0; ky < kernel; ky++) {
                    const int line = row * stride + ky - pad;
                    if (line < 0 || line >= height) {
                        tap += kernel;
                        continue;
                    }
                    const float *pixels = group + (plane * height + line) * width;
                    for (int kx = 0; kx < kernel; kx++) {
                        const float factor = *tap++;
                        const int shift = kx - pad;
                        const int first = shift < 0 ? (stride - 1 - shift) / stride : 0;
                        int end = width <= shift ? 0 : (width - 1 - shift) / stride + 1;
                        if (end > columns)
                            end = columns;
                        for (int column = first; column < end; column++)
                            sums[column] += factor * pixels[column * stride + shift];
                    }
                }
        }
    }
}

//! dense
static void dense(const float *x, int features, const float *weight, const float *bias, int units, float *y)
{
    for (int unit = 0; unit < units; unit++) {
        /* Four sums: they need not wait for each other. */
        float a = 0, b = 0, c = 0, d = 0;
        int i = 0;
        for (; i + 3 < features; i += 4) {
            a += weight[i] * x[i];
            b += weight[i + 1] * x[i + 1];
            c += weight[i + 2] * x[i + 2];
            d += weight[i + 3] * x[i + 3];
        }
        for (; i < features; i++)
            a += weight[i] * x[i];
        y[unit] = bias[unit] + ((a + b) + (c + d));
        weight += features;
    }
}

//! normalize
static void normalize(const uint8_t *pixels, int channels, int places, float scale, float offset, float *y)
{
    for (int channel = 0; channel < channels; channel++)
        for (int place = 0; place < places; place++)
            *y++ = (float)pixels[place * channels + channel] * scale + offset;
}

//! affine
static void affine(const float *x, int channels, int places, const float *scale, const float *offset, float *y)
{
    for (int channel = 0; channel < channels; channel++)
        for (int place = 0; place < places; place++)
            *y++ = *x++ * scale[channel] + offset[channel];
}

//! max_pool
static void max_pool(const float *x, int channels, int height, int width, int size, int step,
                     int rows, int columns, float *y)
{
    for (int channel = 0; channel < channels; channel++, x += height * width)
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                const float *window = x + row * step * width + column * step;
                float largest = window[0];
                for (int i = 0; i < size; i++)
                    for (int j = 0; j < size; j++)
                        if (window[i * width + j] > largest)
                            largest = window[i * width + j];
                *y++ = largest;
            }
}

//! mean
static void mean(const float *x, int channels, int height, int width, int window_rows, int window_columns,
                 int step, int rows, int columns, float *y)
{
    const float share = 1.0f / (float)(window_rows * window_columns);
    for (int channel = 0; channel < channels; channel++, x += height * width)
        for (int row = 0; row < rows; row++)
            for (int column = 0; column < columns; column++) {
                const float *window = x + row * step * width + column * step;
                float sum = 0;
                for (int i = 0; i < window_rows; i++)
                    for (int j = 0; j < window_columns; j++)
                        sum += window[i * width + j];
                *y++ = sum * share;
            }
}

//! add
static void add(const float *a, const float *b, int count, float *y)
{
    for (int i = 0; i < count; i++)
        y[i] = a[i] + b[i];
}

//! relu
static void relu(const float *x, int count, float *y)
{
    for (int i = 0; i < count; i++)
        y[i] = x[i] > 0 ? x[i] : 0;
}

//! leaky_relu
static void leaky_relu(const float *x, int count, float slope, float *y)
{
    for (int i = 0; i < count; i++)
        y[i] = x[i] > 0 ? x[i] : x[i] * slope;
}

//! sigmoid
static void sigmoid(const float *x, int count, float *y)
{
    for (int i = 0; i < count; i++) {
        const float small = expf(-fabsf(x[i]));
        y[i] = (x[i] >= 0 ? 1.0f : small) / (1.0f + small);
    }
}

//! hyperbolic_tangent
static void hyperbolic_tangent(const float *x, int count, float *y)
{
    for (int i = 0; i < count; i++)
        y[i] = tanhf(x[i]);
}

//! gelu
static void gelu(const float *x, int count, float *y)
{
    for (int i = 0; i < count; i++)
        y[i] = x[i] * (0.5f + 0.5f * erff(x[i] * 0.70710678f));
}

//! softmax
static void softmax(const float *x, int channels, int places, float inverse, float *y)
{
    for (int place = 0; place < places; place++) {
        float largest = x[place], sum = 0;
        for (int i = 1; i < channels; i++)
            if (x[i * places + place] > largest)
                largest = x[i * places + place];
        for (int i = 0; i < channels; i++) {
            const float power = expf((x[i * places + place] - largest) * inverse);
            y[i * places + place] = power;
            sum += power;
        }
        for (int i = 0; i < channels; i++)
            y[i * places + place] /= sum;
    }
}

//! copy
static void copy(const float *x, int count, float *y)
{
    for (int i = 0; i < count; i++)
        y[i] = x[i];
}

//! classify
int ${prefix}_classify(const uint8_t *pixels, float *probabilities)
{
    int label = 0;
    ${prefix}_logits(pixels, probabilities);
    for (int i = 1; i < $classes; i++)
        if (probabilities[i] > probabilities[label])
            label = i;
    softmax(probabilities, $classes, 1, $inverse, probabilities);
    return label;
}

//! main
#ifdef ${macro}_MAIN
/* For testing: raw pictures on stdin; for each a line with the label, the logits and the probabilities. */
#include <stdio.h>

int main(void)
{
    static uint8_t pixels[$pixels];
    float logits[$classes], probabilities[$classes];
    while (fread(pixels, 1, sizeof pixels, stdin) == sizeof pixels) {
        ${prefix}_logits(pixels, logits);
        printf("%d", ${prefix}_classify(pixels, probabilities));
        for (int i = 0; i < $classes; i++)
            printf(" %.9g", (double)logits[i]);
        for (int i = 0; i < $classes; i++)
            printf(" %.9g", (double)probabilities[i]);
        printf("\n");
    }
    return 0;
}
#endif
