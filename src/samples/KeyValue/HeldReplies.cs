using System.Buffers;

namespace KeyValue;

/// <summary>Replies that may not leave yet, in order: each waits for a commit, for an answer from elsewhere, or only for those before it.</summary>
/// <remarks>A session has one only while it owes such a reply; otherwise replies go straight to the connection.</remarks>
internal sealed class HeldReplies : IBufferWriter<byte>
{
    private readonly Queue<Reply> _replies = [];
    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(1024);
    private int _start;
    private int _closed;
    private int _end;

    // Gate: 0 is open, a positive number is a batch of the journal, a negative one a deferred answer.
    private record struct Reply(int Length, long Gate);

    private readonly Dictionary<long, byte[]> _answers = [];

    /// <summary>Bytes that wait.</summary>
    public int Length => _end - _start;

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => _replies.Count == 0 && _end == _closed;

    /// <summary>Ends a reply: what was written since the last call waits for <paramref name="gate"/>.</summary>
    public void Close(long gate)
    {
        if (_end > _closed || gate < 0)
        {
            _replies.Enqueue(new Reply(_end - _closed, gate));
            _closed = _end;
        }
    }

    /// <summary>Hands in the answer that <paramref name="gate"/> waits for.</summary>
    public void Answer(long gate, byte[] reply) => _answers[gate] = reply;

    /// <summary>Moves what may leave to <paramref name="output"/>.</summary>
    /// <param name="committed">Batches up to this one are safe.</param>
    /// <param name="failure">When not empty, the reply for each write that is not safe.</param>
    /// <param name="output">The connection.</param>
    public void Release(long committed, ReadOnlySpan<byte> failure, IBufferWriter<byte> output)
    {
        Close(0);
        int ready = _start;
        while (_replies.TryPeek(out Reply reply))
        {
            if (reply.Gate <= committed && reply.Gate >= 0)
            {
                ready += reply.Length;
            }
            else if (reply.Gate > 0 && !failure.IsEmpty)
            {
                Move(ready, output);
                ready += reply.Length;
                _start = ready;
                output.Write(failure);
            }
            else if (reply.Gate < 0 && _answers.Remove(reply.Gate, out byte[]? answer))
            {
                Move(ready, output);
                ready += reply.Length;
                _start = ready;
                output.Write(answer);
            }
            else
            {
                break;
            }
            _replies.Dequeue();
        }
        Move(ready, output);
    }

    /// <summary>Gives the memory back.</summary>
    public void Drop()
    {
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = [];
        _replies.Clear();
        _start = _closed = _end = 0;
    }

    public void Advance(int count) => _end += count;

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        sizeHint = Math.Max(sizeHint, 256);
        if (_bytes.Length - _end < sizeHint)
        {
            byte[] target = Length + sizeHint <= _bytes.Length / 2 ? _bytes : ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, Length + sizeHint));
            _bytes.AsSpan(_start, Length).CopyTo(target);
            if (target != _bytes)
            {
                ArrayPool<byte>.Shared.Return(_bytes);
                _bytes = target;
            }
            _end -= _start;
            _closed -= _start;
            _start = 0;
        }
        return _bytes.AsSpan(_end);
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        GetSpan(sizeHint);
        return _bytes.AsMemory(_end);
    }

    private void Move(int ready, IBufferWriter<byte> output)
    {
        if (ready > _start)
        {
            output.Write(_bytes.AsSpan(_start, ready - _start));
            _start = ready;
        }
    }
}
