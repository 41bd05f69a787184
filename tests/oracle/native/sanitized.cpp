// Odd batch sizes, misaligned arrays and indices out of range, under the sanitizers: every array is
// exactly as large as the contract says, so a read or write beyond it is reported.
#include "lenet.cpp"

#include <cstdio>
#include <cstdlib>

template <class T> struct Array {  // `n` values at an address that is only aligned for T
    std::vector<char> bytes;
    T *data;
    explicit Array(size_t n) : bytes(n * sizeof(T) + sizeof(T)) {
        data = reinterpret_cast<T *>(bytes.data()) + 1;  // the last value ends where the memory does
    }
    operator T *() { return data; }
};

int main() {
    void *engine = lenet_open();
    const int n = 37;
    Array<uint8_t> pixels(n * 784);
    Array<float> reals(n * 784), w(SIZE), gradient(SIZE);
    Array<int64_t> labels(n);
    for (int i = 0; i < n * 784; ++i) reals[i] = (pixels[i] = uint8_t(rand())) / 255.f;
    for (int i = 0; i < n; ++i) labels[i] = i % 10;
    for (int i = 0; i < SIZE; ++i) w[i] = float(rand() % 2001 - 1000) / 5000;

    for (const int b : {1, 2, 15, 16, 17, 31, 33, 300})
        for (const bool bytes : {true, false})
            for (const int threads : {1, 3}) {
                Array<int64_t> indices(b);
                for (int i = 0; i < b; ++i) indices[i] = rand() % n;
                Array<float> uniform(b), logits(b * 10), norms(b), x(b * 784), a1(b * 864), a2(b * 256), h1(b * 120),
                    h2(b * 84), c1(b * 3456), c2(b * 1024), d1(b * 120), d2(b * 84), d3(b * 10);
                double loss;
                Question q{};
                q.images = bytes ? static_cast<void *>(pixels.data) : static_cast<void *>(reals.data);
                q.bytes = bytes;
                q.labels = labels, q.n = n, q.indices = indices, q.b = b, q.w = w, q.points = 1, q.threads = threads;
                q.loss = &loss, q.gradient = gradient, q.logits = logits, q.norms = norms;
                q.x = x, q.a1 = a1, q.a2 = a2, q.h1 = h1, q.h2 = h2;
                q.d_conv1 = c1, q.d_conv2 = c2, q.d_fc1 = d1, q.d_fc2 = d2, q.d_fc3 = d3;
                if (lenet_answer(engine, &q) != 0 || !std::isfinite(loss)) return 1;
                for (int i = 0; i < b; ++i) uniform[i] = float(i) / b;
                q.uniform = uniform;
                if (lenet_answer(engine, &q) != 0) return 6;
                Array<float> direction(SIZE), rows(size_t(b) * SIZE);
                for (int i = 0; i < SIZE; ++i) direction[i] = float(i % 7) - 3;
                Question product{};
                product.images = q.images, product.bytes = bytes, product.labels = labels, product.n = n;
                product.indices = indices, product.b = b, product.w = w, product.points = 1, product.threads = threads;
                product.loss = &loss, product.gradient = gradient;
                product.rows = rows;
                if (lenet_answer(engine, &product) != 0 || !std::isfinite(rows[size_t(b) * SIZE - 1])) return 7;
                product.rows = nullptr, product.direction = direction;
                for (const int64_t kind : {HESSIAN, GAUSS_NEWTON, FISHER}) {
                    product.curvature = kind;
                    if (lenet_answer(engine, &product) != 0 || !std::isfinite(gradient[0])) return 8;
                }
                Array<float> points(5 * SIZE);
                Array<double> losses(5);
                for (int i = 0; i < 5 * SIZE; ++i) points[i] = w[i % SIZE];
                Question values{};
                values.images = q.images, values.bytes = bytes, values.labels = labels, values.n = n;
                values.indices = indices, values.b = b, values.w = points, values.points = 5;
                values.threads = threads, values.loss = losses;
                if (lenet_answer(engine, &values) != 0) return 9;
                for (int i = 0; i < 5; ++i)
                    if (losses[i] != loss) return 9;
                indices[b - 1] = n;
                if (lenet_answer(engine, &values) != b) return 10;
                if (lenet_answer(engine, &q) != b) return 2;
                indices[b - 1] = -1;
                if (lenet_answer(engine, &q) != b) return 3;
                indices[b - 1] = 0, labels[0] = 10;
                if (const int64_t wrong = lenet_answer(engine, &q); wrong >= 0) return 4;
                labels[0] = 0;
            }
    for (int i = 0; i < SIZE; ++i) w[i] = NAN;  // weights of a run that diverged: a loss, no crash
    double loss;
    Question q{};
    q.images = pixels.data, q.bytes = 1, q.labels = labels, q.n = n, q.b = n, q.w = w, q.points = 1, q.threads = 2;
    q.loss = &loss, q.gradient = gradient;
    if (lenet_answer(engine, &q) != 0 || !std::isnan(loss)) return 5;
    lenet_close(engine);

    for (const int rows : {0, 1, 6, 31, 33, 120})
        for (const int columns : {1, 7, 32, 65}) {
            const int size = std::max(rows, 1) * columns;
            Array<float> from(size), to(size);
            for (int i = 0; i < size; ++i) from[i] = float(rand() % 2001 - 1000);
            const float *const given[] = {from};
            float *const found[] = {to};
            const int64_t shape[] = {rows, columns};
            const float steps[] = {3.4445f, -4.775f, 2.0315f, 1.5f, -0.5f, 0.f};
            lenet_level(given, found, shape, 1, 1e-7, steps, 2);
        }
    std::puts("ok");
}
