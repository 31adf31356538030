using ProtoServer.LoadTest.Measuring;

namespace ProtoServer.LoadTest.Engine;

// One sample a second, cut at the same moments on all loops, and one more at the end of the warm-up.
internal sealed partial class LoadWorker
{
    private const long IntervalNanoseconds = 1_000_000_000;

    private readonly SamplePool _pool;
    private Sample _sample;
    private long _lastCpu;
    private long _lastProcessCpu;
    private long _nextCut;
    private int _nextSample;

    private void BeginSampling()
    {
        _nextCut = _start;
        _sample.IsWarmup = _start < _measureStart;
        _lastCpu = LoopThread.CpuNanoseconds;
        ScheduleCut();
    }

    private void ScheduleCut()
    {
        long next = _nextCut + IntervalNanoseconds;
        _nextCut = _nextCut < _measureStart ? Math.Min(next, _measureStart) : next;
        CallAt(_nextCut, static worker => worker.Cut());
    }

    private void Cut()
    {
        if (_running)
        {
            // What ends with the run belongs to its last sample, which is cut then.
            if (_nextCut < _end)
            {
                EmitSample(_nextCut);
            }
            ScheduleCut();
        }
    }

    private void EmitSample(long end)
    {
        FlushRaw();
        long cpu = LoopThread.CpuNanoseconds;
        _sample.End = end;
        _sample.Open = _open;
        _sample.Cpu = cpu - _lastCpu;
        _sample.Busiest = end > _sample.Start ? (double)_sample.Cpu / (end - _sample.Start) : 0;
        _lastCpu = cpu;
        if (_index == 0)
        {
            long processCpu = LoopThread.ProcessCpuNanoseconds;
            _sample.ProcessCpu = processCpu - _lastProcessCpu;
            _lastProcessCpu = processCpu;
        }
        Sample next = _pool.Take();
        next.Start = end;
        next.Index = _nextSample++;
        next.IsWarmup = end < _measureStart;
        _samples.TryWrite(_sample);
        _sample = next;
    }
}
