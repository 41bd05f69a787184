// Loss, gradient and curvature of LeNet-5 on a batch, for lenetlab. Read in this order: layout.h,
// conv1.h (winograd.h), conv2.h, dense.h, curvature.h, then this file: a batch cut into shares, the
// shares added up (shares.h).
//
// The bits do not depend on the number of threads: the shares are fixed by the batch size, within a
// share blocks of L images follow each other, and the shares are added in their order.

#include <memory>
#include <mutex>
#include <unistd.h>
#include <vector>

#include "curvature.h"
#include "levelled.h"
#include "outputs.h"
#include "pool.h"
#include "question.h"
#include "shares.h"

constexpr int SHARES = 16;      // at most; each has a gradient of its own
constexpr int BLOCKS = 32 / L;  // at least, in a share

namespace {

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

// The arrays that a thread works in.
struct Workplace {
    Block blocks[2];
    Scratch scratch;
    Weights weights;  // of the point whose value is asked, where there are several
};

void forward_convolutions(const Question &q, const Weights &weights, const Examples &e, Block &b, Scratch &t) {
    if (q.bytes)
        read_pixels(static_cast<const uint8_t *>(q.images), e, b);
    else
        read_pixels(static_cast<const float *>(q.images), e, b);
    conv1_forward(weights, b);
    conv2_forward(weights, b, t);
}

// Loss and its gradient by the scores; `before` is called while b.p is still the softmax.
template <class Before>
void loss_of(const Question &q, Examples &e, int64_t first, Block &b, double &loss, Before before) {
    double losses[L];
    cross_entropy(b, e.labels, losses);
    for (int i = 0; i < e.count; ++i) loss += losses[i];
    if (q.uniform) draw_labels(b, q.uniform + first, e);
    before();
    loss_gradient(b, e.labels, e.count);
}

void conv2_backward(const Weights &weights, const Block &b, Scratch &t, Gradient &g) {
    conv2_biases(b.da2, g.conv2_b);
    conv2_weights(b.a1, b.da2, b, t, g);
    conv2_inputs(weights, b, t);
}

bool needs_backward(const Question &q) { return q.gradient || q.norms || q.rows || q.d_fc3; }

// N blocks of the batch, from example `first` on.
template <int N>
void some_blocks(const Question &q, const Weights &weights, int64_t first, Workplace &at, Gradient &g,
                 double &loss) {
    Scratch &t = at.scratch;
    for (int n = 0; n < N; ++n)
        forward_convolutions(q, weights, Examples(q, first + n * L), at.blocks[n], t);
    dense_forward<N>(weights, at.blocks);
    for (int n = 0; n < N; ++n) {
        Examples e(q, first + n * L);
        write_rows(at.blocks[n].z, CLASSES, e, first + n * L, q.logits);
        loss_of(q, e, first + n * L, at.blocks[n], loss, [] {});
    }
    if (!needs_backward(q)) return;
    dense_gradient<N>(weights, at.blocks, g);
    for (int n = 0; n < N; ++n) {
        const Examples e(q, first + n * L);
        Block &b = at.blocks[n];
        conv2_backward(weights, b, t, g);
        if (q.gradient) conv1_gradient(b, t, g);
        if (q.norms || q.rows) to_patches1(b, t);
        if (q.norms) write_norms(q, b, t, e, first + n * L);
        if (q.rows) write_gradients(q, b, t, e, first + n * L);
        if (q.d_fc3) write_layers(q, b, t, e, first + n * L);
    }
}

// One block of a product with the curvature: the second place holds the derivatives along the direction.
void product_block(const Question &q, const Weights &weights, const Weights &direction, int64_t first,
                   Workplace &at, Gradient &g, double &loss) {
    Block &b = at.blocks[0], &r = at.blocks[1];
    Scratch &t = at.scratch;
    Examples e(q, first);
    forward_convolutions(q, weights, e, b, t);
    dense_forward<1>(weights, &b);
    tangent(weights, direction, b, r, t);
    loss_of(q, e, first, b, loss, [&] { softmax_tangent(b, r); });
    if (q.curvature == FISHER) fisher_tangent(b, r);
    for (int n = e.count; n < L; ++n)  // lanes without an example
        for (Vector &d : r.p) d[n] = 0;
    if (q.curvature == HESSIAN) {
        hessian_product(weights, direction, b, r, t, g);
    } else {
        std::memcpy(b.p, r.p, sizeof b.p);
        dense_gradient<1>(weights, &b, g);
        conv2_backward(weights, b, t, g);
        conv1_gradient(b, t, g);
    }
}

// Parameters as the stages use them, from the flat vector `w`.
void prepare(const float *w, float pixel, Weights &weights) {
    weights.w = w;
    to_filters1(w + CONV1_W, pixel, weights.conv1);
    to_filters(w + CONV2_W, weights.conv2);
}

// How a batch is cut into shares.
struct Cut {
    int64_t blocks, each;  // in all, in a share
    int shares;
    explicit Cut(int64_t b) {
        blocks = (b + L - 1) / L;
        each = std::max<int64_t>(BLOCKS, (blocks + SHARES - 1) / SHARES);
        shares = int((blocks + each - 1) / each);
    }
};

// A share of the batch; `direction` is for products alone.
void one_share(const Question &q, const Weights &weights, const Weights &direction, const Cut &cut, int share,
               Workplace &at, Gradient &g, double &loss) {
    const int64_t end = std::min(cut.blocks, (share + 1) * cut.each);
    int64_t k = share * cut.each;
    if (q.direction)
        for (; k < end; ++k) product_block(q, weights, direction, k * L, at, g, loss);
    for (; k + 2 <= end; k += 2) some_blocks<2>(q, weights, k * L, at, g, loss);
    if (k < end) some_blocks<1>(q, weights, k * L, at, g, loss);
}

// What lasts from one question to the next.
struct State {
    Pool pool;
    Weights weights, direction;
    std::vector<Gradient> gradients = std::vector<Gradient>(1);
};

// Answers one question at a time, whoever asks; several engines work side by side.
struct Engine {
    pid_t process = getpid();
    std::mutex asked;
    std::unique_ptr<State> state{new State};
    ~Engine() { if (process != getpid()) state.release(); }  // a forked child has none of the threads
};

Workplace &workplace() {
    static thread_local std::unique_ptr<Workplace> at(new Workplace());
    return *at;
}

// The mean over the batch from the sums over its shares.
double mean(const double *losses, int shares, int64_t b) {
    double total = 0;
    for (int s = 0; s < shares; ++s) total += losses[s];
    return total / double(b);
}

// At every point the value that `answer` gives, bit for bit; the threads take shares of all points.
void values(const Question &q, State &all) {
    const float pixel = q.bytes ? 1 / 255.f : 1;
    const Cut cut(q.b);
    std::vector<double> losses(size_t(q.points) * cut.shares);
    all.pool.run(int(losses.size()), int(q.threads), [&](int task) {
        Workplace &at = workplace();
        prepare(q.w + int64_t(task / cut.shares) * SIZE, pixel, at.weights);
        one_share(q, at.weights, at.weights, cut, task % cut.shares, at, all.gradients[0], losses[task]);
    });
    for (int64_t p = 0; p < q.points; ++p) q.loss[p] = mean(&losses[p * cut.shares], cut.shares, q.b);
}

void answer(const Question &q, State &all) {
    const float pixel = q.bytes ? 1 / 255.f : 1;
    prepare(q.w, pixel, all.weights);
    if (q.direction) prepare(q.direction, pixel, all.direction);

    const Cut cut(q.b);
    if (int(all.gradients.size()) < cut.shares) all.gradients.resize(SHARES);
    double losses[SHARES] = {};
    all.pool.run(cut.shares, int(q.threads), [&](int share) {
        Gradient &g = all.gradients[share];
        if (needs_backward(q)) std::memset(static_cast<void *>(&g), 0, sizeof g);
        one_share(q, all.weights, all.direction, cut, share, workplace(), g, losses[share]);
    });
    *q.loss = mean(losses, cut.shares, q.b);
    if (q.gradient)
        all.pool.run(SLICES, int(q.threads), [&](int slice) {
            add_slice(slice, all.gradients, cut.shares, 1 / float(q.b), pixel, q.gradient);
        });
}

}  // namespace

// An engine with threads and memory of its own, until `lenet_close`.
extern "C" void *lenet_open() { return new Engine; }
extern "C" void lenet_close(void *engine) { delete static_cast<Engine *>(engine); }

// For Python to compare with its own idea of the structure.
extern "C" int64_t lenet_question_size() { return sizeof(Question); }

// 0, or 1 + the position in the batch of an index (positive) or a label (negative) out of range.
extern "C" int64_t lenet_answer(void *engine, const Question *q) {
    for (int64_t i = 0; i < q->b; ++i) {
        const int64_t index = q->indices ? q->indices[i] : i;
        if (index < 0 || index >= q->n) return i + 1;
        if (q->labels[index] < 0 || q->labels[index] > 9) return -(i + 1);
    }
    Engine &own = *static_cast<Engine *>(engine);
    std::lock_guard lock(own.asked);
    if (own.process != getpid()) {  // forked: the threads stayed behind, and their memory with them
        own.state.release();
        own.state.reset(new State);
        own.process = getpid();
    }
    q->points == 1 ? answer(*q, *own.state) : values(*q, *own.state);
    return 0;
}

// Newton-Schulz on `n` matrices, see levelled.h; `shapes` are (rows, columns), a vector is (0, length)
// and only scaled.
extern "C" void lenet_level(const float *const *from, float *const *to, const int64_t *shapes, int64_t n,
                            double least, const float *steps, int64_t count) {
    static_assert(sizeof(Quintic) == 3 * sizeof(float));
    for (int64_t i = 0; i < n; ++i) {
        const int rows = int(shapes[2 * i]), columns = int(shapes[2 * i + 1]);
        level(from[i], to[i], std::max(rows, 1), columns, least, reinterpret_cast<const Quintic *>(steps),
              rows ? count : 0);
    }
}
