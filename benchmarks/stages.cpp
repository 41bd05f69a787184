// The stages of the native engine on one block of images, each timed alone on one thread.
// `python benchmarks/stages.py` compiles and runs it for every instruction set of this machine.
#include "lenet.cpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>

// This thread's own seconds: what other processes take is not counted.
double seconds_of_this_thread() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

// Best seconds of one call, over blocks of calls of at least 2 ms.
template <class F> double best(F &&f) {
    double least = 1e9;
    int calls = 1;
    for (int repeat = 0; repeat < 60; ++repeat) {
        const double begun = seconds_of_this_thread();
        for (int i = 0; i < calls; ++i) f();
        const double seconds = seconds_of_this_thread() - begun;
        if (seconds < 2e-3)
            calls *= 2, --repeat;
        else
            least = std::min(least, seconds / calls);
    }
    return least;
}

// Multiply-adds in registers, nothing else: what this core can do.
KERNEL double peak(int rounds, float seed) {
    Vector s[TILE];
    for (int k = 0; k < TILE; ++k) s[k] = fill(seed + float(k));
    const Vector a = fill(0.999f), b = fill(1e-3f);
    for (int i = 0; i < rounds; ++i) unroll<TILE>([&](auto k) { s[k] = s[k] * a + b; });
    double total = 0;
    for (int k = 0; k < TILE; ++k) total += s[k][0];
    return total;
}

void line(const char *name, double seconds, double products, double at_peak) {
    std::printf("%-34s %8.2f", name, seconds * 1e6);
    if (products > 0)
        std::printf(" %8.2f %8.1f %6.0f %%", 2 * products * L / at_peak * 1e6, 2 * products * L / seconds / 1e9,
                    2 * products * L / seconds / at_peak * 100);
    std::puts("");
}

int main() {
    static std::vector<uint8_t> pixels(64 * PIXELS);
    static std::vector<int64_t> labels(64);
    static std::vector<float> w(SIZE), v(SIZE), out(SIZE);
    for (auto &p : pixels) p = uint8_t(rand());
    for (int i = 0; i < 64; ++i) labels[i] = i % 10;
    for (int i = 0; i < SIZE; ++i) w[i] = float(rand() % 2001 - 1000) / 10000, v[i] = float(rand() % 2001 - 1000) / 1000;
    static Weights weights, direction;
    prepare(w.data(), 1 / 255.f, weights);
    prepare(v.data(), 1 / 255.f, direction);
    double loss = 0;
    Question q{};
    q.images = pixels.data(), q.bytes = 1, q.labels = labels.data(), q.n = q.b = 64, q.w = w.data(), q.points = 1;
    q.threads = 1, q.loss = &loss, q.gradient = out.data();

    const std::unique_ptr<Workplace> workplace(new Workplace());
    const std::unique_ptr<Gradient> sums(new Gradient());
    Workplace &at = *workplace;
    Gradient &g = *sums;
    Block &b = at.blocks[0], &r = at.blocks[1];
    Scratch &t = at.scratch;
    Examples e(q, 0);
    double losses[L];

    const int rounds = 4000;
    volatile float seed = 1;  // or the compiler would compute it once
    volatile double kept = 0;
    const double core = 2.0 * TILE * L * rounds / best([&] { kept = peak(rounds, seed); });
    std::printf("%d lanes; peak of one core %.0f GFLOP/s\n", L, core / 1e9);
    std::printf("%-34s %8s %8s %8s %8s\n", "stage, a block of images", "µs", "at peak", "GFLOP/s", "of peak");

    const double conv1 = 6 * 24 * 12 * 5 * 6, conv1_won = 6 * 12 * 12 * 25, conv2 = 16 * 36 * 6 * 16;
    const double conv2_won = 16 * 16 * 150;
    const double dense = HIDDEN1 * MAPS2 + HIDDEN2 * HIDDEN1 + CLASSES * HIDDEN2;
    line("read pixels", best([&] { read_pixels(pixels.data(), e, b); }), 0, core);
    line("conv1, pool, tanh", best([&] { conv1_forward(weights, b); }), conv1, core);
    line("conv2 to tiles", best([&] { conv2_tiles(b.a1, t.v); }), 0, core);
    line("conv2, pool, tanh, with tiles", best([&] { conv2_forward(weights, b, t); }), conv2, core);
    read_pixels(pixels.data(), e, at.blocks[1]);
    conv1_forward(weights, at.blocks[1]);
    conv2_forward(weights, at.blocks[1], t);
    line("dense layers (half of two blocks)", best([&] { dense_forward<2>(weights, at.blocks); }) / 2, dense, core);
    for (Block &one : at.blocks) cross_entropy(one, e.labels, losses), loss_gradient(one, e.labels, L);
    line("dense layers backward (half of two)", best([&] { dense_gradient<2>(weights, at.blocks, g); }) / 2,
         2 * dense, core);
    line("conv2 backward, filters", best([&] { conv2_weights(b.a1, b.da2, b, t, g); }), conv2_won, core);
    line("conv2 backward, inputs", best([&] { conv2_inputs(weights, b, t); }), conv2, core);
    line("conv1 backward", best([&] { conv1_gradient(b, t, g); }), conv1_won, core);

    conv2_forward(weights, b, t);
    dense_forward<1>(weights, &b);
    line("R conv1", best([&] { conv1_tangent(direction, b, r); }), conv1, core);
    line("R conv2", best([&] { conv2_tangent(weights, direction, b, r, t); }), 2 * conv2, core);
    line("R of the whole forward pass", best([&] { tangent(weights, direction, b, r, t); }),
         conv1 + 2 * conv2 + 2 * dense, core);
    cross_entropy(b, e.labels, losses);
    softmax_tangent(b, r);
    loss_gradient(b, e.labels, L);
    line("Hessian's way back", best([&] { hessian_product(weights, direction, b, r, t, g); }),
         5 * dense + 2 * conv2_won + 3 * conv2 + conv1_won, core);

    void *engine = lenet_open();
    const double gradient = best([&] { lenet_answer(engine, &q); });
    std::printf("64 images: gradient %.0f µs", gradient * 1e6);
    q.direction = v.data();
    for (const auto &[kind, name] : {std::pair{HESSIAN, "Hessian"}, {GAUSS_NEWTON, "Gauss-Newton"}}) {
        q.curvature = kind;
        std::printf(", %s product %.2f gradients", name, best([&] { lenet_answer(engine, &q); }) / gradient);
    }
    std::puts("");
    lenet_close(engine);
}
