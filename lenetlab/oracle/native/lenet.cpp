// Loss and gradient of LeNet-5 on a batch, for lenetlab. Read in this order: layout.h, conv1.h,
// conv2.h (winograd.h), dense.h, then this file: a batch cut into shares, the shares added up.
//
// The bits do not depend on the number of threads: the shares are fixed by the batch size, within a
// share blocks of L images follow each other, and the shares are added in their order.

#include <algorithm>
#include <cmath>
#include <memory>
#include <unistd.h>
#include <vector>

#include "conv1.h"
#include "conv2.h"
#include "dense.h"
#include "layout.h"
#include "pool.h"

constexpr int SHARES = 16;    // at most; each has a gradient of its own
constexpr int BLOCKS = 32 / L;  // at least, in a share

// A question, as Python fills it in. Pointers to what is not asked for are null.
struct Question {
    const void *images;      // (n, 28, 28), bytes 0 … 255 or float32
    int64_t bytes;           // whether pixels are bytes
    const int64_t *labels;   // (n,)
    int64_t n;
    const int64_t *indices;  // (b,) examples of the batch; null for all n in their order
    int64_t b;
    const float *w;          // (44426,)
    int64_t threads;
    const float *uniform;    // (b,) in [0, 1): gradients are then of labels drawn by them, or null

    double *loss;     // mean cross-entropy of the true labels
    float *gradient;  // (44426,), of the mean
    float *logits;    // (b, 10)
    float *norms;     // (b,) of each example's own gradient
    // inputs of the layers, and gradients of each example's own loss by the layers' outputs
    float *x, *a1, *a2, *h1, *h2;          // (b, 28, 28), (b, 6, 12, 12), (b, 256), (b, 120), (b, 84)
    float *d_conv1, *d_conv2;              // (b, 6, 24, 24), (b, 16, 8, 8), zero where not written
    float *d_fc1, *d_fc2, *d_fc3;          // (b, 120), (b, 84), (b, 10)
};

namespace {

// L images of the batch from `first` on, one per lane; lanes beyond the batch repeat the last one.
struct Examples {
    int count;
    int64_t index[L];
    int labels[L];

    Examples(const Question &q, int64_t first) : count(int(std::min<int64_t>(L, q.b - first))) {
        for (int n = 0; n < L; ++n) {
            const int64_t at = first + std::min(n, count - 1);
            index[n] = q.indices ? q.indices[at] : at;
            labels[n] = int(q.labels[index[n]]);
        }
    }
};

KERNEL void read_pixels(const float *images, const Examples &e, Block &b) {
    for (int i = 0; i < 784; i += L) {
        Vector part[L];
        unroll<L>([&](auto n) { part[n] = load(images + e.index[n] * 784 + i); });
        transpose(part);
        unroll<L>([&](auto k) { (&b.x[0][0])[i + k] = part[k]; });
    }
}

// Four bytes side by side are turned as one number (little-endian) and taken apart afterwards.
KERNEL void read_pixels(const uint8_t *images, const Examples &e, Block &b) {
    for (int i = 0; i < 784; i += 4 * L) {
        const int first = std::min(i, 784 - 4 * L);  // the last ones overlap those before
        Vector part[L];
        unroll<L>([&](auto n) { std::memcpy(&part[n], images + e.index[n] * 784 + first, sizeof part[n]); });
        transpose(part);
        unroll<L>([&](auto k) {
            unroll<4>([&](auto j) {
                const Integers pixel = (bits(part[k]) >> (8 * j)) & 255;
                (&b.x[0][0])[first + 4 * k + j] = __builtin_convertvector(pixel, Vector);
            });
        });
    }
}

// `from` (count vectors, lanes are images) to row `first` + lane of the array `to`.
void write_rows(const Vector *from, int count, const Examples &e, int64_t first, float *to, float scale = 1) {
    if (to)
        for (int n = 0; n < e.count; ++n)
            for (int k = 0; k < count; ++k) to[(first + n) * count + k] = from[k][n] * scale;
}

// The gradient of a pooled map's winners at their places in the map before the pool; `d` and `won`
// of a channel, row and column.
template <class D, class Won>
void write_winners(D &&d, Won &&won, int channels, int side, const Examples &e, int64_t first, float *to) {
    if (to)
        for (int n = 0; n < e.count; ++n)
            for (int c = 0; c < channels; ++c)
                for (int y = 0; y < side; ++y)
                    for (int x = 0; x < side; ++x) {
                        const int w = won(c, y, x)[n];
                        to[(((first + n) * channels + c) * 2 * side + 2 * y + w / 2) * 2 * side + 2 * x +
                           w % 2] = d(c, y, x)[n];
                    }
}

void write_layers(const Question &q, const Block &b, const Scratch &t, const Examples &e, int64_t first) {
    write_rows(&b.x[0][0], 784, e, first, q.x, q.bytes ? 1 / 255.f : 1);
    Vector a1[864];
    for (int k = 0; k < 864; ++k) a1[k] = b.a1[k / 12 % 12][k % 12][k / 144];
    write_rows(a1, 864, e, first, q.a1);
    write_rows(&b.a2[0][0], 256, e, first, q.a2);
    write_rows(b.h1, 120, e, first, q.h1);
    write_rows(b.h2, 84, e, first, q.h2);
    write_winners([&](int c, int y, int x) { return t.da1[y][x][c]; },
                  [&](int c, int y, int x) { return b.won1[y][x][c]; }, 6, 12, e, first, q.d_conv1);
    write_winners([&](int c, int y, int x) { return b.da2[c][4 * y + x]; },
                  [&](int c, int y, int x) { return b.won2[c][4 * y + x]; }, 16, 4, e, first, q.d_conv2);
    write_rows(b.dh1, 120, e, first, q.d_fc1);
    write_rows(b.dh2, 84, e, first, q.d_fc2);
    write_rows(b.p, 10, e, first, q.d_fc3);
}

Vector squares(const Vector *v, int n) {
    Vector total{};
    for (int k = 0; k < n; ++k) total += v[k] * v[k];
    return total;
}

// Norm of each example's gradient. That of a dense layer is an outer product; the convolutions' are
// summed up one image at a time.
void write_norms(const Question &q, const Block &b, const Scratch &t, const Examples &e, int64_t first) {
    Vector total = (squares(&b.a2[0][0], 256) + 1.f) * squares(b.dh1, 120) +
                   (squares(b.h1, 120) + 1.f) * squares(b.dh2, 84) +
                   (squares(b.h2, 84) + 1.f) * squares(b.p, 10);
    Vector conv1[6][26] = {};
    conv1_gradient(b, t, conv1);
    const float scale = q.bytes ? 1 / 255.f : 1;
    for (auto &channel : conv1)
        total += squares(channel, 25) * (scale * scale) + channel[25] * channel[25];
    for (const auto &channel : b.da2) {
        Vector bias{};
        for (const Vector d : channel) bias += d;
        total += bias * bias;
    }
    for (int n = 0; n < e.count; ++n) {
        FiltersGradient g = {};
        Patches p;
        read_patches(t.a1_rows[n], p);
        filters_gradient(p, t.da2_rows[n], t.at_rows[n], g);
        double square = total[n];
        for (const auto &channel : g)
            for (const auto &row : channel)
                for (int k = 0; k < 30; ++k) square += double(row[k]) * row[k];
        q.norms[first + n] = float(std::sqrt(square));
    }
}

// Of every example, the label that its number in `uniform` draws from the softmax: the first whose
// cumulated probability exceeds it.
void draw_labels(const Block &b, const float *uniform, Examples &e) {
    for (int n = 0; n < e.count; ++n) {
        float total = b.p[0][n];
        int k = 0;
        while (k < 9 && !(total > uniform[n])) total += b.p[++k][n];
        e.labels[n] = k;
    }
}

bool needs_backward(const Question &q) { return q.gradient || q.norms || q.d_fc3; }

// The arrays that a thread works in.
struct Workplace {
    Block blocks[2];
    Scratch scratch;
};

// N blocks of the batch, from example `first` on.
template <int N>
void some_blocks(const Question &q, const Weights &weights, int64_t first, Workplace &at, Gradient &g,
                 double &loss) {
    Scratch &t = at.scratch;
    for (int n = 0; n < N; ++n) {
        const Examples e(q, first + n * L);
        Block &b = at.blocks[n];
        if (q.bytes)
            read_pixels(static_cast<const uint8_t *>(q.images), e, b);
        else
            read_pixels(static_cast<const float *>(q.images), e, b);
        conv1_forward(weights, b);
        conv2_forward(weights, b, t);
    }
    dense_forward<N>(weights, at.blocks);
    for (int n = 0; n < N; ++n) {
        Examples e(q, first + n * L);
        Block &b = at.blocks[n];
        write_rows(b.z, 10, e, first + n * L, q.logits);
        double losses[L];
        cross_entropy(b, e.labels, losses);
        for (int i = 0; i < e.count; ++i) loss += losses[i];
        if (q.uniform) draw_labels(b, q.uniform + first + n * L, e);
        loss_gradient(b, e.labels, e.count);
    }
    if (!needs_backward(q)) return;
    dense_gradient<N>(weights, at.blocks, g);
    for (int n = 0; n < N; ++n) {
        const Examples e(q, first + n * L);
        Block &b = at.blocks[n];
        conv2_weights(b, t, g);
        conv2_inputs(weights, b, t);
        conv1_gradient(b, t, g.conv1);
        if (q.norms) write_norms(q, b, t, e, first + n * L);
        if (q.d_fc3) write_layers(q, b, t, e, first + n * L);
    }
}

// row = Σ over shares of the arrays that `of` names in their gradients.
template <int N, class Of>
INLINE void add_up(const std::vector<Gradient> &g, int shares, Of of, float (&row)[N]) {
    std::memcpy(row, of(g[0]), sizeof row);
    for (int s = 1; s < shares; ++s) {
        const float *more = of(g[s]);
        for (int i = 0; i < N; ++i) row[i] += more[i];
    }
}

// out[row][column] = scale · Σ over shares, for the rows from `begin` up to `end`.
template <int COLUMNS, int ROWS, int STRIDE>
void add_rows(const std::vector<Gradient> &g, int shares, const float (Gradient::*member)[ROWS][STRIDE],
              int begin, int end, float scale, float *out) {
    for (int y = begin; y < end; ++y) {
        float row[STRIDE];
        add_up(g, shares, [&](const Gradient &one) { return (one.*member)[y]; }, row);
        for (int i = 0; i < COLUMNS; ++i) out[y * COLUMNS + i] = row[i] * scale;
    }
}

// out[i] = scale · Σ over shares and lanes.
template <int N>
void add_vector(const std::vector<Gradient> &g, int shares, const Vector (Gradient::*member)[N], float scale,
                float *out) {
    for (int i = 0; i < N; ++i) {
        Vector total = (g[0].*member)[i];
        for (int s = 1; s < shares; ++s) total += (g[s].*member)[i];
        out[i] = sum(total) * scale;
    }
}

void add_convolutions(const std::vector<Gradient> &g, int shares, float scale, float pixel, float *out) {
    for (int o = 0; o < 16; ++o)
        for (int y = 0; y < 5; ++y) {
            float row[32];
            add_up(g, shares, [&](const Gradient &one) { return one.conv2[o][y]; }, row);
            for (int c = 0; c < 6; ++c)
                for (int x = 0; x < 5; ++x)
                    out[CONV2_W + ((o * 6 + c) * 5 + y) * 5 + x] = row[6 * x + c] * scale;
        }
    for (int c = 0; c < 6; ++c)
        for (int k = 0; k < 26; ++k) {
            Vector total = g[0].conv1[c][k];
            for (int s = 1; s < shares; ++s) total += g[s].conv1[c][k];
            if (k < 25)
                out[CONV1_W + 25 * c + k] = sum(total) * (scale * pixel);
            else
                out[CONV1_B + c] = sum(total) * scale;
        }
}

constexpr int SLICES = 8;  // of the sum over shares

void add_slice(int slice, const std::vector<Gradient> &g, int shares, float scale, float pixel, float *out) {
    if (slice < 6) {
        add_rows<256>(g, shares, &Gradient::fc1, 20 * slice, 20 * slice + 20, scale, out + FC1_W);
    } else if (slice == 6) {
        add_rows<120>(g, shares, &Gradient::fc2, 0, 84, scale, out + FC2_W);
        add_rows<84>(g, shares, &Gradient::fc3, 0, 10, scale, out + FC3_W);
    } else {
        add_vector(g, shares, &Gradient::fc1_b, scale, out + FC1_B);
        add_vector(g, shares, &Gradient::fc2_b, scale, out + FC2_B);
        add_vector(g, shares, &Gradient::conv2_b, scale, out + CONV2_B);
        add_vector(g, shares, &Gradient::fc3_b, scale, out + FC3_B);
        add_convolutions(g, shares, scale, pixel, out);
    }
}

// All that outlives a call. A forked child has none of the parent's threads and begins anew.
struct Engine {
    pid_t process = getpid();
    Pool pool;
    Weights weights;
    std::vector<Gradient> gradients = std::vector<Gradient>(1);
};

Engine &engine() {
    static Engine *one = new Engine;  // never deleted: its threads may outlive main
    if (one->process != getpid()) one = new Engine;
    return *one;
}

void answer(const Question &q) {
    Engine &all = engine();
    all.weights.w = q.w;
    const float pixel = q.bytes ? 1 / 255.f : 1;
    for (int k = 0; k < 25; ++k)
        for (int c = 0; c < 6; ++c) all.weights.conv1[k][c] = q.w[CONV1_W + 25 * c + k] * pixel;
    to_filters(q.w + CONV2_W, all.weights.conv2);

    const int64_t blocks = (q.b + L - 1) / L;
    const int64_t each = std::max<int64_t>(BLOCKS, (blocks + SHARES - 1) / SHARES);
    const int shares = int((blocks + each - 1) / each);
    if (int(all.gradients.size()) < shares) all.gradients.resize(SHARES);
    double losses[SHARES] = {};
    all.pool.run(shares, int(q.threads), [&](int share) {
        static thread_local std::unique_ptr<Workplace> at(new Workplace());
        Gradient &g = all.gradients[share];
        if (needs_backward(q)) std::memset(static_cast<void *>(&g), 0, sizeof g);
        const int64_t end = std::min(blocks, (share + 1) * each);
        int64_t k = share * each;
        for (; k + 2 <= end; k += 2) some_blocks<2>(q, all.weights, k * L, *at, g, losses[share]);
        if (k < end) some_blocks<1>(q, all.weights, k * L, *at, g, losses[share]);
    });
    double total = 0;
    for (int s = 0; s < shares; ++s) total += losses[s];
    *q.loss = total / double(q.b);
    if (q.gradient)
        all.pool.run(SLICES, int(q.threads), [&](int slice) {
            add_slice(slice, all.gradients, shares, 1 / float(q.b), pixel, q.gradient);
        });
}

}  // namespace

// 0, or 1 + the position in the batch of an index (positive) or a label (negative) out of range.
extern "C" int64_t lenet_answer(const Question *q) {
    for (int64_t i = 0; i < q->b; ++i) {
        const int64_t index = q->indices ? q->indices[i] : i;
        if (index < 0 || index >= q->n) return i + 1;
        if (q->labels[index] < 0 || q->labels[index] > 9) return -(i + 1);
    }
    static std::mutex one_at_a_time;
    std::lock_guard lock(one_at_a_time);
    answer(*q);
    return 0;
}
