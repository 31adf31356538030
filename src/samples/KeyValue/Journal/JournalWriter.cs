using KeyValue.Store;
using ProtoServer;

namespace KeyValue.Journal;

/// <summary>The loop's side of the journal: gathers the changes of an iteration and knows which are safe.</summary>
/// <remarks>Loop thread only.</remarks>
internal sealed class JournalWriter : IDisposable
{
    // Without a bound a disk slower than the clients would fill the memory. Beyond it replies wait for their commit, and whoever has written is not read.
    private const long LargestBacklogBytes = 64L * 1024 * 1024;

    // A batch is one array. Only an iteration that changes more than this is more than one transaction.
    private const int LargestBatchBytes = 1024 * 1024 * 1024;

    private readonly EventLoop _loop;
    private readonly Durability _durability;
    private readonly JournalThread _thread;
    private readonly Queue<(long Number, int Bytes)> _submitted = [];
    private readonly Action _submit;
    private JournalBatch _batch = new(1);
    private long _next = 1;
    private long _submittedBytes;
    private bool _scheduled;

    public JournalWriter(EventLoop loop, JournalFile file, Durability durability)
    {
        _loop = loop;
        _durability = durability;
        _submit = Submit;
        _thread = new JournalThread(
            file,
            durability,
            number => Tell(() => OnCommitted(number)),
            why => Tell(() => OnFailed(why)));
    }

    /// <summary>Called when more is safe than before.</summary>
    public Action? Advanced { get; set; }

    /// <summary>Called with the reason when a commit failed after others had succeeded.</summary>
    public Action<string>? Failed { get; set; }

    /// <summary>Called when commits succeed again.</summary>
    public Action? Recovered { get; set; }

    /// <summary>Why nothing can be committed now; null when all is well.</summary>
    public string? Failure { get; private set; }

    /// <summary>After <see cref="Dispose"/>: why the last changes were not committed; null when all were.</summary>
    public string? Lost => _thread.Lost;

    /// <summary>Whether a write's reply must wait for its commit.</summary>
    public bool HoldsReplies => _durability == Durability.Always || IsFull;

    /// <summary>Whether more waits for its commit than may: whoever writes now must wait until some of it is safe.</summary>
    public bool IsFull => BacklogBytes > LargestBacklogBytes;

    /// <summary>The batch that a change made now goes to.</summary>
    public long Current => _batch.Number;

    /// <summary>The last batch that is safe.</summary>
    public long Committed { get; private set; }

    /// <summary>How many changes there were; tells whether a command changed anything.</summary>
    public long Changes { get; private set; }

    /// <summary>Bytes that wait for their commit.</summary>
    public long BacklogBytes => _submittedBytes + _batch.Length;

    public void Put(int database, in Entry entry, long deadline)
    {
        Span<byte> scratch = stackalloc byte[20];
        Add(new JournalRecord(JournalOperation.Put, database, deadline, entry.Key, entry.GetValue(scratch)));
    }

    public void Remove(int database, ReadOnlySpan<byte> key) => Add(new JournalRecord(JournalOperation.Remove, database, 0, key, default));

    public void Clear(int database) => Add(new JournalRecord(JournalOperation.Clear, database, 0, default, default));

    public void Map(int number, int database) => Add(new JournalRecord(JournalOperation.Map, database, number, default, default));

    /// <summary>Commits what there is and closes the file; waits for it.</summary>
    public void Dispose()
    {
        Submit();
        _thread.Dispose();
    }

    private void Add(JournalRecord record)
    {
        if (_batch.Length > LargestBatchBytes - record.Key.Length - record.Value.Length)
        {
            Submit();
        }
        _batch.Add(record);
        Changes++;
        if (!_scheduled)
        {
            // Runs after all input of this iteration: so all its changes are one transaction.
            _scheduled = true;
            _loop.CallSoon(_submit);
        }
    }

    private void Submit()
    {
        _scheduled = false;
        if (_batch.Length == 0)
        {
            return;
        }
        _submitted.Enqueue((_batch.Number, _batch.Length));
        _submittedBytes += _batch.Length;
        JournalBatch? spare = _thread.Submit(_batch);
        _next++;
        spare?.Reset(_next);
        _batch = spare ?? new JournalBatch(_next);
    }

    private void Tell(Action call)
    {
        try
        {
            _loop.CallSoonThreadSafe(call);
        }
        catch (ObjectDisposedException)
        {
            // The loop was closed before the journal: what is committed is safe all the same, and nobody waits to hear of it.
        }
    }

    private void OnCommitted(long number)
    {
        Committed = number;
        while (_submitted.TryPeek(out (long Number, int Bytes) first) && first.Number <= number)
        {
            _submittedBytes -= _submitted.Dequeue().Bytes;
        }
        if (Failure is not null)
        {
            Failure = null;
            Recovered?.Invoke();
        }
        Advanced?.Invoke();
    }

    private void OnFailed(string why)
    {
        bool isNew = Failure is null;
        Failure = why;
        if (isNew)
        {
            Failed?.Invoke(why);
        }
    }
}
