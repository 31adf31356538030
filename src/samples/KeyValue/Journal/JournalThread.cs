namespace KeyValue.Journal;

/// <summary>The thread that commits. Batches that arrive while it works form the next transaction by themselves.</summary>
internal sealed class JournalThread : IDisposable
{
    private static readonly TimeSpan SyncInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly JournalFile _file;
    private readonly Durability _durability;
    private readonly Action<long> _committed;
    private readonly Action<string> _failed;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private readonly Queue<JournalBatch> _queue = [];
    private readonly Stack<JournalBatch> _spare = [];
    private bool _stopping;
    private string? _failure;

    /// <summary>Starts.</summary>
    /// <param name="file">Used by this thread alone from now on.</param>
    /// <param name="durability">When to wait for the disk.</param>
    /// <param name="committed">Told the last batch of each commit, on this thread.</param>
    /// <param name="failed">Told why a commit failed, on this thread; it is tried again each second.</param>
    public JournalThread(JournalFile file, Durability durability, Action<long> committed, Action<string> failed)
    {
        _file = file;
        _durability = durability;
        _committed = committed;
        _failed = failed;
        _thread = new Thread(Run) { Name = "journal", IsBackground = true };
        _thread.Start();
    }

    /// <summary>After <see cref="Dispose"/>: why the last batches were not committed; null when all were.</summary>
    public string? Lost { get; private set; }

    /// <summary>Any thread: queues a batch and returns an empty one that is no longer needed, if there is any.</summary>
    public JournalBatch? Submit(JournalBatch batch)
    {
        lock (_gate)
        {
            _queue.Enqueue(batch);
            Monitor.Pulse(_gate);
            return _spare.TryPop(out JournalBatch? spare) ? spare : null;
        }
    }

    /// <summary>Commits what is queued, closes the file, ends the thread. While commits fail it gives up after one more try.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }
        _thread.Join();
        _file.Dispose();
    }

    private void Run()
    {
        List<JournalBatch> batches = [];
        long lastSync = 0;
        bool unsynced = false;
        while (true)
        {
            bool stop = Take(batches, unsynced ? SyncInterval : Timeout.InfiniteTimeSpan);
            bool? sync = _durability == Durability.EverySecond
                ? stop || Environment.TickCount64 - lastSync >= SyncInterval.TotalMilliseconds
                : null;
            if (batches.Count > 0 || (unsynced && sync == true))
            {
                if (!Commit(batches, sync))
                {
                    Lost = _failure;
                    return;
                }
                lastSync = sync == true ? Environment.TickCount64 : lastSync;
                unsynced = sync == false;
            }
            if (stop)
            {
                return;
            }
        }
    }

    private bool Take(List<JournalBatch> batches, TimeSpan patience)
    {
        lock (_gate)
        {
            foreach (JournalBatch batch in batches)
            {
                // One that once held a huge value is left to the collector.
                if (batch.Length <= 1024 * 1024 && _spare.Count < 8)
                {
                    _spare.Push(batch);
                }
            }
            batches.Clear();
            if (_queue.Count == 0 && !_stopping)
            {
                Monitor.Wait(_gate, patience);
            }
            batches.AddRange(_queue);
            _queue.Clear();
            return _stopping;
        }
    }

    /// <summary>Tries until it succeeds; false when told to stop before.</summary>
    private bool Commit(List<JournalBatch> batches, bool? sync)
    {
        while (true)
        {
            try
            {
                _file.Write(batches, sync);
                if (batches.Count > 0)
                {
                    _committed(batches[^1].Number);
                }
                return true;
            }
            catch (Exception exception)
            {
                // Whatever it is, nothing was committed: the batches stay and nobody is told that they are safe.
                _failure = exception.Message.TrimEnd('.');
                _failed(_failure);
                lock (_gate)
                {
                    if (_stopping)
                    {
                        return false;
                    }
                    Monitor.Wait(_gate, RetryInterval);
                }
            }
        }
    }
}
