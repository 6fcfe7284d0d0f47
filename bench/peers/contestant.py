"""What a contestant written in Python answers, as bench/contestant.h does for ours: "run N" with N
times in microseconds, "peak" with the peak resident bytes, "quit" with its end."""
import resource
import sys
import time


def serve(work):
    print("ready", flush=True)
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "quit":
            return
        if command == "peak":
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
        else:
            times = []
            for _ in range(int(arguments[0])):
                start = time.perf_counter()
                work()
                times.append((time.perf_counter() - start) * 1e6)
            print(*times, flush=True)
