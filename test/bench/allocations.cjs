// Preloaded into a measured process. Answers "start" and "stop" over IPC; "stop" with the bytes that were allocated on the
// JavaScript heap between the first and the last garbage collection in between.
const { GCProfiler } = require("node:v8");

const used = ({ heapStatistics }) => heapStatistics.usedHeapSize;
let profiler = new GCProfiler();

process.on("message", (said) => {
  if (said === "start") {
    profiler.start();
    process.send(0);
    return;
  }
  const collections = profiler.stop()?.statistics ?? [];
  profiler = new GCProfiler();
  process.send(
    collections
      .slice(1)
      .reduce((sum, { beforeGC }, index) => sum + used(beforeGC) - used(collections[index].afterGC), 0),
  );
});
process.channel?.unref();
