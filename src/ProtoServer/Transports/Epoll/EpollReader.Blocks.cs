namespace ProtoServer;

// What nobody consumed yet, in the pool's blocks.
internal sealed partial class EpollReader
{
    // Null for what is not, or no longer, a block of this reader.
    private Block? BlockOf(SequencePosition position, Block? absent)
    {
        if (position.GetObject() is not { } wanted)
        {
            return absent;
        }
        Block? block = _head;
        while (block is not null && block != wanted)
        {
            block = block.NextBlock;
        }
        return block;
    }

    private void KeepRest()
    {
        _lent = false;
        Keep(_head!, _start);
    }

    // The loop needs its receive block back for the next connection.
    private void Keep(Block receiveBlock, int start)
    {
        ReadOnlySpan<byte> rest = receiveBlock.Array.AsSpan(start, receiveBlock.End - start);
        _head = _tail = connection.Shared.Blocks.Rent(rest.Length);
        _head.Append(rest);
        _start = 0;
        receiveBlock.Reset();
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[_tail!.Append(bytes)..];
        while (bytes.Length > 0)
        {
            // A reader that lets this much pile up is after something large.
            Block next = connection.Shared.Blocks.Rent(Length > BlockPool.SmallBytes ? BlockPool.LargeBytes : bytes.Length);
            _tail.Link(next);
            _tail = next;
            bytes = bytes[next.Append(bytes)..];
        }
    }

    private void FreeAll()
    {
        while (_head is not null)
        {
            FreeHead();
        }
        _tail = null;
    }

    private void FreeHead()
    {
        Block passed = _head!;
        _head = passed.NextBlock;
        _start = 0;
        Free(passed);
    }

    private void Free(Block block)
    {
        if (_lent)
        {
            // The only block of a lent result: it goes back by being forgotten.
            _lent = false;
            block.Reset();
        }
        else
        {
            connection.Shared.Blocks.Return(block);
        }
    }
}
