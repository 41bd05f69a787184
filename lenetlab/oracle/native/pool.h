// Threads that wait for work: `Pool::run(tasks, threads, f)` calls f(0) … f(tasks − 1), in any order.
//
// A round is open while its tasks are handed out. Whoever comes late finds it closed and goes on
// waiting, so the caller never waits for a thread that is still asleep. Workers spin for 200 µs, because
// the next step of a training is usually closer than that, and then sleep: others may need the core.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

class Pool {
  public:
    ~Pool() {
        {
            std::lock_guard lock(mutex_);
            end_ = true;
            wake_.notify_all();
        }
        for (std::thread &worker : workers_) worker.join();
    }

    template <class F> void run(int tasks, int threads, F &&f) {
        if (threads <= 1 || tasks <= 1) {
            for (int task = 0; task < tasks; ++task) f(task);
            return;
        }
        while (int(workers_.size()) < threads - 1)
            workers_.emplace_back(&Pool::work, this, int(workers_.size()));
        call_ = [](void *f, int task) { (*static_cast<F *>(f))(task); };
        f_ = &f;
        tasks_ = tasks;
        helpers_ = threads - 1;
        next_ = 0;
        ++rounds_;
        open_ = rounds_;
        if (asleep_ > 0) {
            std::lock_guard lock(mutex_);
            wake_.notify_all();
        }
        take();
        open_ = 0;
        while (inside_ > 0) pause();
    }

  private:
    void take() {
        for (int task; (task = next_++) < tasks_;) call_(f_, task);
    }

    void work(int number) {
        for (unsigned long done = 0;;) {
            wait(done);
            if (end_) return;
            ++inside_;  // before looking: the caller closes the round before it looks at inside_
            if (const unsigned long round = open_; round > done) {
                done = round;
                if (number < helpers_) take();
            }
            --inside_;
        }
    }

    void wait(unsigned long done) {
        using clock = std::chrono::steady_clock;
        const auto until = clock::now() + std::chrono::microseconds(200);
        do
            for (int i = 0; i < 50; ++i) {
                if (open_ > done || end_) return;
                pause();
            }
        while (clock::now() < until);
        std::unique_lock lock(mutex_);
        ++asleep_;
        wake_.wait(lock, [&] { return open_ > done || end_; });
        --asleep_;
    }

    static void pause() {
#if defined(__x86_64__)
        __builtin_ia32_pause();
#elif defined(__aarch64__)
        asm volatile("yield");
#endif
    }

    void (*call_)(void *, int) = nullptr;
    void *f_ = nullptr;
    int tasks_ = 0, helpers_ = 0;
    std::vector<std::thread> workers_;
    unsigned long rounds_ = 0;
    std::atomic<unsigned long> open_{0};  // the round whose tasks may be taken, 0 for none
    std::atomic<bool> end_{false};
    std::atomic<int> next_{0}, inside_{0}, asleep_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
};
